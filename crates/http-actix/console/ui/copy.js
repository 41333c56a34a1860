// Buttons that copy a text, and say in their place whether it worked: a message elsewhere would be behind a dialog.

import { AsyncDirective } from "../vendor/lit-html/async-directive.js";
import { directive } from "../vendor/lit-html/directive.js";
import { html } from "../vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";

/** How long a button says what happened, in milliseconds. */
const SAID_FOR = 2_000;

class Copying extends AsyncDirective {
  #text = "";
  #label = "";
  #said = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} text @param {string} label */
  render(text, label) {
    this.#text = text;
    this.#label = label;
    return this.#template();
  }

  #template() {
    const said = this.#said;
    return html`<button class="button small copy" type="button" @click=${this.#copy}>
        ${said === "Copied" ? icons.check : icons.copy}<span>${said || this.#label}</span></button
      ><span class="hidden" role="status">${said}</span>`;
  }

  #copy = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    this.#say((await write(this.#text, button)) ? "Copied" : "Select it instead");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#say(""), SAID_FOR);
  };

  /** @param {string} said */
  #say(said) {
    this.#said = said;
    this.setValue(this.#template());
  }
}

/**
 * @param {string} text
 * @param {HTMLElement} button
 * @returns {Promise<boolean>} whether the browser allowed it
 */
async function write(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have no clipboard for pages without TLS; the older command copies what is selected.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "hidden";
    button.after(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    button.focus();
    return copied;
  }
}

const copying = directive(Copying);

/** A button that copies `text`. @param {string} text @param {string} [label] */
export function copyButton(text, label = "Copy") {
  return html`${copying(text, label)}`;
}
