// Starts the console: finds out who uses it, opens the page of the address, and draws.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { health, observeHealth, watchHealth } from "./core/health.js";
import { current, go } from "./core/router.js";
import { can, observe, session, start } from "./core/session.js";
import { addShortcut, listen } from "./core/shortcuts.js";
import { PAGES } from "./pages/index.js";
import { askAgain, gate, unreachable } from "./ui/gate.js";
import { keyboardDialog } from "./ui/keyboard.js";
import { allowedPages, shell } from "./ui/shell.js";
import { empty, failure, loading } from "./ui/states.js";
import { applyTheme, observeTheme } from "./ui/theme.js";
import { host } from "./ui/toasts.js";

/** @typedef {import("./types.d.ts").Page} Page */
/** @typedef {import("./types.d.ts").View} View */
/** @typedef {import("./types.d.ts").Context} Context */

const root = /** @type {HTMLElement} */ (document.getElementById("app"));

/** The open page. @type {{ page: Page | null, view: View | null, context: Context | null, error: unknown }} */
let open = { page: null, view: null, context: null, error: null };
let keyboard = false;
let drawn = true;

/** Draws in the next frame, once however often it is called. */
function redraw() {
  if (drawn) {
    drawn = false;
    // A hidden tab has no frames.
    document.hidden ? setTimeout(draw) : requestAnimationFrame(draw);
  }
}

function draw() {
  drawn = true;
  render(template(), root);
  if (session.phase !== "starting" && performance.getEntriesByName("interactive").length === 0) {
    performance.mark("interactive");
  }
}

function template() {
  if (session.phase === "starting") {
    return html`<main class="gate" id="main" tabindex="-1"><div>${loading(3, "Starting")}</div></main>`;
  }
  if (session.phase === "locked") {
    return gate(redraw);
  }
  if (session.phase === "unreachable") {
    return unreachable();
  }
  const { view } = open;
  const commands = { showKeys: () => showKeyboard(true) };
  return html`${shell(open.page, content(), view?.action?.() ?? nothing, commands)}
  ${keyboard ? keyboardDialog(() => showKeyboard(false), redraw) : nothing}
  ${session.asks ? askAgain(redraw) : nothing}`;
}

function content() {
  if (open.error) {
    return failure(open.error, () => location.reload());
  }
  if (!open.page) {
    return notAllowed();
  }
  return open.view ? open.view.template() : loading();
}

function notAllowed() {
  const wanted = PAGES.find(({ id }) => id === current().page);
  return wanted
    ? empty("Your key does not allow this page", html`It needs the scope ${wanted.scopes.map((scope, place) => html`${place > 0 ? " or " : ""}<code>${scope}</code>`)}.`)
    : empty("There is no such page", "Choose one from the list of pages.");
}

/** @param {boolean} shown */
function showKeyboard(shown) {
  keyboard = shown;
  redraw();
}

/** Opens the page of the address, or hands the open page its new parameters. */
async function navigate() {
  if (session.phase !== "open") {
    return;
  }
  const { page: id, params } = current();
  const allowed = allowedPages();
  if (id === "") {
    go(allowed[0]?.id ?? "service", undefined, { replace: true });
    return;
  }
  const page = allowed.find((candidate) => candidate.id === id) ?? null;
  if (page && page === open.page && open.context) {
    open.context.params = params;
    open.view?.navigated?.();
    redraw();
    return;
  }
  if (open.page) {
    // As after the load of another document: from the top, where screen readers begin.
    window.scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
  open.view?.close?.();
  open = { page, view: null, context: null, error: null };
  document.title = page ? `${page.title} · Undertone` : "Undertone";
  redraw();
  if (page) {
    await load(page, params);
  }
}

/** @param {Page} page @param {URLSearchParams} params */
async function load(page, params) {
  const opened = open;
  try {
    const module = await page.load();
    if (open !== opened || !session.me) {
      return;
    }
    /** @type {Context} */
    const context = {
      me: session.me,
      can,
      params,
      setParams: (changed, options) => open === opened && go(page.id, changed, options),
      redraw,
    };
    opened.context = context;
    opened.view = module.open(context);
  } catch (error) {
    opened.error = error;
  }
  redraw();
}

addShortcut("/", "Go to the page's search", () => open.view?.search?.());
for (const { id, title, shortcut, scopes } of PAGES) {
  addShortcut(`g ${shortcut}`, `Go to ${title}`, () => go(id), () => can(...scopes));
}
addShortcut("?", "Show this list", () => showKeyboard(true));

let phase = session.phase;
observe(() => {
  if (phase !== session.phase) {
    phase = session.phase;
    void navigate();
  }
  redraw();
});
host.redraw = redraw;
window.addEventListener("hashchange", () => void navigate());
observeHealth(() => {
  if (session.phase === "unreachable" && health.state !== "unreachable") {
    void start();
  }
  redraw();
});
observeTheme(redraw);
applyTheme();
listen();
redraw();
void start();
void watchHealth();
