// Drawers and dialogs: native <dialog> elements, so that focus and Escape work as the browser does them.

import { AsyncDirective } from "../vendor/lit-html/async-directive.js";
import { directive } from "../vendor/lit-html/directive.js";
import { html, noChange, nothing } from "../vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";

/** Where the focus was before a dialog that is gone: another may take its place at once. @type {Element | null} */
let left = null;

// Opens the dialog; once it is gone, the focus returns to where it was.
class Opened extends AsyncDirective {
  /** @type {Element | null} */
  #before = null;
  #isOpened = false;

  /** @param {boolean} _modal */
  render(_modal) {
    return noChange;
  }

  /**
   * @param {any} part
   * @param {[boolean]} values
   * @override
   */
  update(part, [modal]) {
    const element = /** @type {HTMLDialogElement} */ (part.element);
    if (!this.#isOpened) {
      this.#isOpened = true;
      this.#before = document.activeElement === document.body ? left : document.activeElement;
      // The element has to be in the document.
      queueMicrotask(() => element.isConnected && !element.open && (modal ? element.showModal() : element.show()));
    }
    return noChange;
  }

  /** @override */
  disconnected() {
    const before = this.#before;
    left = before;
    setTimeout(() => {
      left = null;
      if (document.activeElement === document.body) {
        const target = before?.isConnected ? before : document.getElementById("main");
        target instanceof HTMLElement && target.focus({ preventScroll: true });
      }
    });
  }
}

const opened = directive(Opened);

/**
 * @typedef {object} Overlay
 * @property {string} title
 * @property {unknown} body
 * @property {() => void} close called after Escape, the button, or a click beside it
 * @property {unknown} [footer]
 * @property {boolean} [modal] whether the page behind cannot be used; default true
 * @property {unknown} [heading] beside the title
 */

/** A panel at the right edge, for the details of something in the page. @param {Overlay} overlay */
export function drawer(overlay) {
  return frame("drawer", overlay);
}

/** A box in the middle, for a question. @param {Overlay} overlay */
export function dialog(overlay) {
  return frame("dialog", overlay);
}

/** @param {string} kind @param {Overlay} overlay */
function frame(kind, { title, body, close, footer, modal = true, heading }) {
  return html`<dialog
    class=${kind}
    aria-label=${title}
    ${opened(modal)}
    @cancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      close();
    }}
    @keydown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        close();
      }
    }}
    @click=${(/** @type {MouseEvent} */ event) => event.target === event.currentTarget && close()}
  >
    <div class="sheet">
      <header>
        <h2>${title}</h2>
        ${heading ?? nothing}
        <button class="icon-button" aria-label="Close" @click=${close}>${icons.close}</button>
      </header>
      <div class="content">${body}</div>
      ${footer ? html`<footer>${footer}</footer>` : nothing}
    </div>
  </dialog>`;
}
