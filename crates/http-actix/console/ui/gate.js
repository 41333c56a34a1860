// What stands before the pages: the question for a key, and a service that does not answer.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { session, start, unlock } from "../core/session.js";
import { failure, failureLine } from "./states.js";

/** @type {unknown} */
let error = null;
let busy = false;

/** The question for a key, instead of a page. @param {() => void} redraw */
export function gate(redraw) {
  return html`<main class="gate" id="main" tabindex="-1">
    <div class="card">
      ${brand()}
      ${form(redraw)}
    </div>
  </main>`;
}

function brand() {
  return html`<h1 class="brand"><img src=${new URL("../icon.svg", import.meta.url).href} alt="" width="28" height="28" />Undertone</h1>`;
}

/** The question for a key, in front of a page whose forms stay as they are. @param {() => void} redraw */
export function askAgain(redraw) {
  /** @param {Element | undefined} element */
  const open = (element) => {
    queueMicrotask(() => element instanceof HTMLDialogElement && !element.open && element.showModal());
  };
  return html`<dialog class="dialog" aria-label="Your key is needed again" ${ref(open)} @cancel=${(/** @type {Event} */ event) => event.preventDefault()}>
    <div class="sheet">
      <header><h2>Your key is needed again</h2></header>
      <div class="content">
        <p>The service no longer accepts the key: it may have ended or been revoked. What you have entered stays, and goes on with the next key.</p>
        ${form(redraw)}
      </div>
    </div>
  </dialog>`;
}

/** @param {() => void} redraw */
function form(redraw) {
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const field = form.elements.namedItem("key");
    const key = field instanceof HTMLInputElement ? field.value.trim() : "";
    if (key === "" || busy) {
      return;
    }
    busy = true;
    error = null;
    redraw();
    try {
      await unlock(key);
      // Closed, and not only removed: the focus returns to where it was.
      session.asks || form.closest("dialog")?.close();
    } catch (reason) {
      error = reason;
    } finally {
      busy = false;
      redraw();
    }
  };
  /** @param {Element | undefined} element */
  const focus = (element) => {
    queueMicrotask(() => element instanceof HTMLElement && element.focus());
  };
  return html`<form class="stack" @submit=${submit}>
    <label class="field">
      <span>API key or token</span>
      <input name="key" type="password" autocomplete="off" spellcheck="false" required ${ref(focus)} aria-invalid=${session.rejected ? "true" : "false"} aria-describedby="key-help" />
    </label>
    ${session.rejected ? html`<p class="failure" role="alert"><strong>Not accepted.</strong> Check that the key is complete, and that it has not ended.</p>` : nothing}
    ${error ? failureLine(error) : nothing}
    <button class="button primary" ?disabled=${busy}>${busy ? "Checking…" : "Open the console"}</button>
    <p class="small muted" id="key-help">
      The key stays in this tab and is forgotten with it. An operator issues the first one with this command:
    </p>
    <pre class="small">undertone keys issue --tenant default --name console --scopes predictions:write,predictions:read,models:read</pre>
  </form>`;
}

/** A service that does not answer. */
export function unreachable() {
  return html`<main class="gate" id="main" tabindex="-1">
    <div class="card">
      ${brand()} ${failure(session.error, () => void start())}
      <p class="small muted">The console opens by itself once the service answers.</p>
    </div>
  </main>`;
}
