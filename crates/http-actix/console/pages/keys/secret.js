// A key that was just issued. It is shown only here, so nothing but its buttons closes the drawer before it is copied.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { exact } from "../../core/format.js";
import { icons } from "../../ui/icons.js";
import { drawer } from "../../ui/overlay.js";
import { grouped } from "./words.js";

/** @typedef {import("./issue.js").IssuedKey} IssuedKey */

/** Is here and not in the page, so that it is not lost where the browser goes to another page. @type {IssuedKey | null} */
let shown = null;
let copied = false;
let warned = false;
let message = "";

/** @param {IssuedKey} key */
export function show(key) {
  shown = key;
  copied = false;
  warned = false;
  message = "";
  window.addEventListener("beforeunload", hold);
}

/** @param {BeforeUnloadEvent} event */
function hold(event) {
  if (!copied) {
    event.preventDefault();
  }
}

/** The drawer, while there is a key to show. @param {() => void} redraw */
export function secretDrawer(redraw) {
  if (!shown) {
    return nothing;
  }
  const { key, id, name, scopes, expires_at: ends } = shown;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(key);
      copied = true;
      message = "Copied. Store it where secrets belong before you close this.";
    } catch {
      message = "The browser does not allow copying here: select the key, and copy it yourself.";
      select();
    }
    redraw();
  };
  const close = () => {
    shown = null;
    window.removeEventListener("beforeunload", hold);
    redraw();
  };
  const leave = () => {
    if (copied) {
      close();
      return;
    }
    warned = true;
    redraw();
  };
  const body = html`<p><strong>This is the only time that the key is shown.</strong> The service stores its hash alone; who has lost the key needs another.</p>
    <div class="secret">
      <code tabindex="0" role="group" aria-label="The key" id="secret" @click=${select}>${key}</code>
      <button class="button primary" type="button" autofocus @click=${copy}>${copied ? icons.check : icons.copy}${copied ? "Copied" : "Copy the key"}</button>
    </div>
    <p class="small copied" role="status">${message}</p>
    <dl class="facts">
      <dt>Name</dt>
      <dd>${name === null ? html`<span class="muted">no name</span>` : html`<bdi>${name}</bdi>`}</dd>
      <dt>Id</dt>
      <dd><code>${id}</code></dd>
      <dt>Scopes</dt>
      <dd><ul class="tags">${grouped(scopes).map((scope) => html`<li class="tag">${scope}</li>`)}</ul></dd>
      <dt>Ends</dt>
      <dd>${ends === null ? "never" : exact(ends)}</dd>
    </dl>
    <p class="small muted">Clients send it as <code>Authorization: Bearer ut_…</code></p>`;
  const footer = html`${warned && !copied ? html`<p class="failure" role="alert">The key is not copied yet, and cannot be shown again.</p>` : nothing}
    <button class=${copied ? "button primary" : "button"} type="button" @click=${close}>${copied ? "Done" : warned ? "Close without copying" : "I have stored the key"}</button>`;
  return drawer({ title: "The new key", body, footer, close: leave });
}

function select() {
  const element = document.getElementById("secret");
  if (element) {
    getSelection()?.selectAllChildren(element);
  }
}
