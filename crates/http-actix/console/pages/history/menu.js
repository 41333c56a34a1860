import { html } from "../../vendor/lit-html/lit-html.js";

/** The width of a panel where there is room, and its least distance from the window's edges, in pixels. */
const WIDTH = 400;
const MARGIN = 16;

/** The least height that a panel may have, in pixels, where little room is below its button. */
const LEAST = 320;

/**
 * A button with a panel below it: a popover, so that Escape and a click elsewhere close it, and focus returns.
 * An element of the panel with `autofocus` gets the focus.
 *
 * @param {object} menu
 * @param {string} menu.id
 * @param {unknown} menu.label of the button
 * @param {string} menu.title of the panel
 * @param {unknown} menu.body
 * @param {(panel: HTMLElement) => void} [menu.opened] called before the panel is shown
 */
export function menu({ id, label, title, body, opened = () => {} }) {
  /** @param {Event} event */
  const toggled = (event) => {
    const panel = /** @type {HTMLElement} */ (event.currentTarget);
    const button = document.getElementById(`${id}-button`);
    if (/** @type {ToggleEvent} */ (event).newState === "open" && button) {
      const { left, bottom } = button.getBoundingClientRect();
      const room = document.documentElement.clientWidth - MARGIN;
      const width = Math.min(WIDTH, room - MARGIN);
      panel.style.width = `${width}px`;
      panel.style.left = `${Math.max(MARGIN, Math.min(left, room - width)) + window.scrollX}px`;
      panel.style.top = `${bottom + 4 + window.scrollY}px`;
      panel.style.maxHeight = `${Math.max(LEAST, window.innerHeight - bottom - MARGIN)}px`;
      opened(panel);
    }
  };
  return html`<button class="button" id=${`${id}-button`} type="button" popovertarget=${`${id}-panel`} aria-haspopup="dialog">${label}</button>
    <div class="menu-panel" id=${`${id}-panel`} popover role="dialog" aria-label=${title} @beforetoggle=${toggled}>${body}</div>`;
}
