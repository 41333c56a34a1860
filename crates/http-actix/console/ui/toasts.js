// Short messages at the lower edge, with at most one action, such as undo.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";

/** @typedef {{ id: number, text: string, action: string | null, run: () => void }} Toast */

/** @type {Toast[]} */
let toasts = [];
let next = 0;
let announced = "";

/** Called after each change; set by the shell. @type {{ redraw: () => void }} */
export const host = { redraw: () => {} };

/**
 * Shows `text` for `milliseconds`. Returns a function that removes it.
 *
 * @param {string} text
 * @param {{ action?: string, run?: () => void, milliseconds?: number }} [options]
 * @returns {() => void}
 */
export function toast(text, { action, run = () => {}, milliseconds = 5_000 } = {}) {
  const id = next++;
  const remove = () => {
    toasts = toasts.filter((other) => other.id !== id);
    host.redraw();
  };
  toasts = [...toasts, { id, text, action: action ?? null, run: () => (remove(), run()) }];
  host.redraw();
  setTimeout(remove, milliseconds);
  return remove;
}

/** Says `text` to screen readers only. @param {string} text */
export function announce(text) {
  announced = announced === text ? `${text}\u00a0` : text;
  host.redraw();
}

export function template() {
  return html`<div class="toasts">
      <div role="status">
        ${repeat(
          toasts,
          ({ id }) => id,
          ({ text, action, run }) =>
            html`<div class="toast">
              <span>${text}</span>
              ${action ? html`<button class="button small" @click=${run}>${action}</button>` : nothing}
            </div>`,
        )}
      </div>
      <div class="hidden" role="status">${announced}</div>
    </div>`;
}
