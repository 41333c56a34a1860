// The frame around every page: the rail with the pages, the state of the service, and the caller.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { health } from "../core/health.js";
import { href } from "../core/router.js";
import { can, lock, session } from "../core/session.js";
import { PAGES } from "../pages/index.js";
import { icons } from "./icons.js";
import { setTheme, theme } from "./theme.js";
import { template as toasts } from "./toasts.js";

/** @typedef {import("../types.d.ts").Page} Page */

/** How many pages the bar at the bottom of a narrow window has room for, beside "More". */
const IN_BAR = 4;

/** @returns {Page[]} the pages that the caller's scopes allow */
export function allowedPages() {
  return PAGES.filter(({ scopes }) => can(...scopes));
}

/**
 * @param {Page | null} page
 * @param {unknown} content
 * @param {unknown} action
 * @param {{ showKeys: () => void }} commands
 */
export function shell(page, content, action, commands) {
  const pages = allowedPages();
  return html`<button class="skip" @click=${() => document.getElementById("main")?.focus()}>Skip to the page</button>
    <div class="shell">
      <nav class="rail" aria-label="Pages">
        <a class="brand" href=${href("")}><img src=${new URL("../icon.svg", import.meta.url).href} alt="" width="24" height="24" />Undertone</a>
        <ul class="pages">
          ${pages.map((item, place) => link(item, page, place >= IN_BAR ? "beyond" : ""))}
        </ul>
        <details class="more" @click=${closeAfterChoice} @focusout=${closeBehind} @keydown=${closeOnEscape}>
          <summary aria-current=${pages.indexOf(/** @type {Page} */ (page)) >= IN_BAR ? "true" : "false"}>${icons.more}<span>More</span>${alarm()}</summary>
          <div class="menu">
            ${pages.length > IN_BAR ? html`<ul>${pages.slice(IN_BAR).map((item) => link(item, page, ""))}</ul>` : nothing}
            ${about(commands)}
          </div>
        </details>
        <div class="foot">${about(commands)}</div>
      </nav>
      <main id="main" tabindex="-1" aria-labelledby="title">
        <header class="page-head">
          <h1 id="title">${page?.title ?? "Undertone"}</h1>
          ${action}
        </header>
        ${content}
      </main>
    </div>
    ${toasts()}`;
}

/** @param {Page} item @param {Page | null} page @param {string} name */
function link(item, page, name) {
  return html`<li class=${name}>
    <a href=${href(item.id)} aria-current=${item === page ? "page" : "false"}>${item.icon}<span>${item.title}</span></a>
  </li>`;
}

/** A dot in the bar of narrow windows, where the words about the service are in the menu. */
function alarm() {
  return health.state === "degraded" || health.state === "unreachable"
    ? html`<span class="status alarm ${health.state}"><span class="dot" aria-hidden="true"></span><span class="hidden">, ${health.words}</span></span>`
    : nothing;
}

/** @param {{ showKeys: () => void }} commands */
function about({ showKeys }) {
  return html`<p class="status ${health.state}"><span class="dot" aria-hidden="true"></span>${health.words}</p>
    ${who()}
    <div class="choices">
      <div class="segmented" role="group" aria-label="Theme">
        ${(/** @type {const} */ (["system", "light", "dark"])).map(
          (choice) => html`<button aria-pressed=${theme() === choice} aria-label=${`Theme: ${choice}`} title=${`Theme: ${choice}`} @click=${() => setTheme(choice)}>${icons[choice]}</button>`,
        )}
      </div>
      <button class="icon-button" aria-label="Keyboard" title="Keyboard (?)" @click=${showKeys}><kbd>?</kbd></button>
    </div>
    <p class="links"><a href="../docs/">API</a>${session.me && health.report?.version ? html`<span class="muted">v${health.report.version}</span>` : nothing}</p>`;
}

function who() {
  const { me } = session;
  if (!me || me.authentication === "none") {
    return nothing;
  }
  const name = me.key ? (me.key.name ?? me.key.id) : (me.subject ?? "token");
  return html`<p class="who">
    <span class="name" title=${name}><bdi>${name}</bdi></span>
    <span class="muted">tenant <bdi>${me.tenant}</bdi></span>
    <button class="link" @click=${lock}>Forget key</button>
  </p>`;
}

/** @param {MouseEvent} event */
function closeAfterChoice({ target, currentTarget }) {
  const chosen = target instanceof Element && target.closest("a");
  if (chosen && currentTarget instanceof HTMLDetailsElement) {
    currentTarget.open = false;
  }
}

/** Closes the menu once something behind it has the focus. @param {FocusEvent} event */
function closeBehind({ relatedTarget, currentTarget }) {
  if (relatedTarget instanceof Node && currentTarget instanceof HTMLDetailsElement && !currentTarget.contains(relatedTarget)) {
    currentTarget.open = false;
  }
}

/** @param {KeyboardEvent} event */
function closeOnEscape({ key, currentTarget }) {
  if (key === "Escape" && currentTarget instanceof HTMLDetailsElement && currentTarget.open) {
    currentTarget.open = false;
    currentTarget.querySelector("summary")?.focus();
  }
}
