import { html } from "../../vendor/lit-html/lit-html.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { icons } from "../../ui/icons.js";

/** After how long a pause in typing the words are searched for, in milliseconds. */
const PAUSE = 400;

/** The field for words in the texts. */
export class Search {
  #typed;
  /** @type {(words: string) => void} */
  #find;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;

  /** @param {string} words @param {(words: string) => void} find */
  constructor(words, find) {
    this.#typed = words;
    this.#find = find;
  }

  /** Shows the words of the address, unless they are those that were typed. @param {string} words */
  show(words) {
    if (words !== this.#typed.trim()) {
      this.#typed = words;
    }
  }

  /** Drops what is not searched for yet. */
  stop() {
    clearTimeout(this.#timer);
  }

  focus() {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById("history-search"));
    field?.focus();
    field?.select();
  }

  template() {
    return html`<form role="search" @submit=${this.#submit}>
      <label class="hidden" for="history-search">Words in the texts</label>
      ${icons.search}
      <input id="history-search" type="search" autocomplete="off" spellcheck="false" placeholder="Words in the texts" .value=${live(this.#typed)} @input=${this.#input} />
    </form>`;
  }

  #submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    this.#now();
  };

  #input = (/** @type {Event} */ event) => {
    this.#typed = /** @type {HTMLInputElement} */ (event.target).value;
    this.stop();
    this.#timer = setTimeout(() => this.#now(), PAUSE);
  };

  #now() {
    this.stop();
    this.#find(this.#typed.trim());
  }
}
