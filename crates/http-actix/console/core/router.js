// Addresses of pages: `#/history?sentiment=negative`. They never contain a key or a text that was typed to be classified.

/**
 * @typedef {object} Route
 * @property {string} page the page's id; empty for the first page
 * @property {URLSearchParams} params
 */

/** @returns {Route} where the browser is */
export function current() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { page: path, params: new URLSearchParams(query) };
}

/**
 * @param {string} page
 * @param {URLSearchParams | Record<string, string>} [params]
 * @returns {string} the address, for a link
 */
export function href(page, params) {
  const query = new URLSearchParams(params).toString();
  return `#/${page}${query === "" ? "" : `?${query}`}`;
}

/**
 * @param {string} page
 * @param {URLSearchParams | Record<string, string>} [params]
 * @param {{ replace?: boolean }} [options] `replace` adds no step to the browser's history
 */
export function go(page, params, { replace = false } = {}) {
  const address = href(page, params);
  if (address === location.hash) {
    return;
  }
  if (replace) {
    history.replaceState(null, "", address);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}
