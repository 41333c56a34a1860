// A request as a command line, to copy into a shell.

/** Characters that JSON leaves as they are, and that terminals obey or do not show. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * The body has neither single quotes nor double backslashes, so that it means the same in every shell, fish included.
 *
 * @param {URL} address
 * @param {unknown} body
 * @param {boolean} authenticated whether the request needs a key
 * @returns {string}
 */
export function curl(address, body, authenticated) {
  const json = JSON.stringify(body)
    .replaceAll("\\\\", "\\u005c")
    .replaceAll("'", "\\u0027")
    .replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return [
    `curl '${address.href.replaceAll("'", "%27")}'`,
    ...(authenticated ? ['-H "Authorization: Bearer $UNDERTONE_KEY"'] : []),
    "-H 'Content-Type: application/json'",
    `-d '${json}'`,
  ].join(" \\\n  ");
}
