// A question before something that cannot be undone: the name of what it concerns has to be typed.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { textField } from "./field.js";
import { dialog } from "./overlay.js";
import { failureLine } from "./states.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {unknown} text what happens
 * @property {string[]} names each of them is accepted
 * @property {unknown} label of the field
 * @property {string} action the words of the button
 * @property {() => Promise<void>} run
 * @property {() => void} close called once `run` has succeeded, and where the person cancels
 */

export class Confirmation {
  #question;
  #redraw;
  #busy = false;
  #wrong = false;
  /** @type {unknown} */
  #error = null;

  /** @param {Question} question @param {() => void} redraw */
  constructor(question, redraw) {
    this.#question = question;
    this.#redraw = redraw;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const typed = String(new FormData(form).get("name")).trim();
    this.#wrong = !this.#question.names.some((name) => name.trim() === typed);
    if (this.#wrong || this.#busy) {
      this.#redraw();
      form.querySelector("input")?.focus();
      return;
    }
    this.#busy = true;
    this.#error = null;
    this.#redraw();
    try {
      await this.#question.run();
      this.#question.close();
    } catch (error) {
      this.#error = error;
    }
    this.#busy = false;
    this.#redraw();
  }

  template() {
    const { title, text, label, action, close } = this.#question;
    const error = this.#wrong ? "This is another name." : undefined;
    const body = html`<form class="stack" @submit=${(/** @type {SubmitEvent} */ event) => this.#submit(event)}>
      ${text} ${textField({ name: "name", label, error, focus: true })} ${this.#error ? failureLine(this.#error) : nothing}
      <div class="row end">
        <button class="button" type="button" @click=${close}>Cancel</button>
        <button class="button danger" aria-disabled=${this.#busy}>${this.#busy ? "One moment…" : action}</button>
      </div>
    </form>`;
    return dialog({ title, body, close });
  }
}
