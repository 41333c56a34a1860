// The form that loads a model, or replaces one.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { errorAt, choice, focusError, textField } from "../../ui/field.js";
import { icons } from "../../ui/icons.js";
import { drawer } from "../../ui/overlay.js";
import { failureLine } from "../../ui/states.js";
import { ApiError } from "../../core/api.js";
import { NUMBERS, load, pending } from "./loads.js";

/** @typedef {import("./loads.js").Draft} Draft */

const PRECISIONS = /** @type {const} */ ([
  ["auto", "auto: int8 where it is faster and near f32"],
  ["int8", "int8"],
  ["f32", "f32"],
  ["f16", "f16 (GPU)"],
  ["bf16", "bf16 (GPU)"],
]);

const LABELS = /** @type {const} */ ([
  ["auto", "by their names, or as known of a published model"],
  ["table", "by a table"],
  ["raw", "not at all"],
]);

const SENTIMENTS = /** @type {const} */ (["", "negative", "neutral", "positive", "mixed"]);

/** @type {Record<(typeof NUMBERS)[number], [label: string, hint: string]>} */
const NUMBER_WORDS = {
  window: ["Window", "The most tokens of a window, without special tokens."],
  overlap: ["Overlap", "The tokens that a window shares with the one before."],
  threads: ["Threads", "Batches that are computed at once on a CPU."],
  max_batch_tokens: ["Batch", "The most tokens that are computed together."],
  max_queue_tokens: ["Queue: tokens", "The most tokens that wait."],
  max_queue_items: ["Queue: texts", "The most texts that wait."],
};

/** @returns {Draft} */
function blank() {
  return { name: "", path: "", precision: "auto", device: "", labels: "auto", table: [], numbers: {} };
}

export class LoadForm {
  /** @type {Draft} */
  #draft;
  #served;
  #redraw;
  #close;

  /**
   * @param {object} options
   * @param {Draft} [options.draft] what a load that failed had
   * @param {string} [options.name] of the model to replace
   * @param {() => string[]} options.served the names of the served models
   * @param {() => void} options.close
   * @param {() => void} redraw
   */
  constructor({ draft, name = "", served, close }, redraw) {
    this.#draft = draft ?? { ...blank(), name };
    this.#served = served;
    this.#close = close;
    this.#redraw = redraw;
  }

  /** What became of the load that this form has started. */
  get #pending() {
    const found = pending.get(this.#draft.name);
    return found?.draft === this.#draft ? found : undefined;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.#pending?.error === null) {
      return;
    }
    const served = await load((this.#draft = { ...this.#draft, name: this.#draft.name.trim(), path: this.#draft.path.trim() }));
    if (served) {
      this.#close();
      return;
    }
    const error = this.#pending?.error;
    if (error instanceof ApiError && error.field === "labels") {
      this.#proposeTable(error.message);
    }
    this.#redraw();
    focusError();
  }

  /** Where the service says which labels the model has, the form asks for their sentiments. @param {string} message */
  #proposeTable(message) {
    const json = message.match(/\{[^{}]*\}/)?.[0];
    try {
      const labels = Object.keys(JSON.parse(json ?? "{}"));
      if (labels.length > 0) {
        this.#draft.labels = "table";
        this.#draft.table = labels.map((label) => ({ label, sentiment: this.#draft.table.find((row) => row.label === label)?.sentiment ?? "" }));
      }
    } catch {
      // The message has no table: it is shown as it is.
    }
  }

  /** @param {"name" | "path" | "precision" | "device" | "labels"} member */
  #changes(member) {
    return (/** @type {Event} */ event) => {
      this.#draft = { ...this.#draft, [member]: /** @type {HTMLInputElement} */ (event.target).value };
      if (member === "labels" && this.#draft.labels === "table" && this.#draft.table.length === 0) {
        this.#draft.table = [{ label: "", sentiment: "" }];
      }
      this.#redraw();
    };
  }

  template() {
    const state = this.#pending;
    const loads = state?.error === null;
    const error = state?.error;
    const draft = this.#draft;
    const replaces = this.#served().includes(draft.name.trim());
    const known = ["name", "path", "precision", "device", "labels", ...NUMBERS];
    const elsewhere = error && !(error instanceof ApiError && error.status === 422 && known.includes(error.field?.split(".")[0] ?? ""));
    const body = html`<form class="stack" id="load-model" @submit=${(/** @type {SubmitEvent} */ event) => this.#submit(event)}>
        <fieldset class="plain stack" ?disabled=${loads}>
          ${textField({ name: "path", label: "Folder or repository", value: draft.path, required: true, focus: true, placeholder: "models/reviews-de", error: errorAt(error, "path"), hint: html`A folder that the service can read, the name of one under its <code>models/</code>, or <code>org/name@revision</code> on the Hugging Face hub.`, changed: this.#changes("path") })}
          ${textField({ name: "name", label: "Name", value: draft.name, required: true, placeholder: "reviews-de", maxlength: 64, pattern: "\\s*[A-Za-z0-9][A-Za-z0-9._\\-]*\\s*", error: errorAt(error, "name"), hint: replaces ? html`<strong>Replaces the model that is served by this name</strong>, once the new one has passed its self-test.` : "Requests choose the model by it. Letters, digits, dots, hyphens and underscores.", changed: this.#changes("name") })}
          ${choice({ name: "precision", label: "Precision", value: draft.precision, options: PRECISIONS, error: errorAt(error, "precision"), changed: this.#changes("precision") })}
          ${textField({ name: "device", label: "Device", value: draft.device, placeholder: "auto", hint: html`<code>auto</code>, <code>cpu</code> or <code>cuda:N</code>.`, error: errorAt(error, "device"), changed: this.#changes("device") })}
          ${choice({ name: "labels", label: "Labels become sentiments", value: draft.labels, options: LABELS, error: this.#labelsError(error), changed: this.#changes("labels") })}
          ${draft.labels === "table" ? this.#table() : nothing} ${this.#numbers(error)}
        </fieldset>
      </form>`;
    const footer = html`${elsewhere ? failureLine(error) : nothing}
      <p class="progress" role="status">${loads ? "Loading. You can close this: it goes on." : nothing}</p>
      <button class="button" type="button" @click=${this.#close}>${loads ? "Close" : "Cancel"}</button>
      <button class="button primary" form="load-model" aria-disabled=${loads}>${loads ? "Loading…" : replaces ? "Replace the model" : "Load the model"}</button>`;
    return drawer({ title: "Load a model", body, footer, close: this.#close });
  }

  /** @param {unknown} error */
  #labelsError(error) {
    if (error instanceof ApiError && error.status === 422 && error.field?.startsWith("labels")) {
      return this.#draft.labels === "table" && /\{[^{}]*\}/.test(error.message)
        ? "The names of this model’s labels do not say their sentiments. Choose one for each, as its model card says; leave out what stands for none."
        : errorAt(error, error.field);
    }
    return undefined;
  }

  #table() {
    const { table } = this.#draft;
    const set = (/** @type {number} */ row, /** @type {"label" | "sentiment"} */ member) => (/** @type {Event} */ event) => {
      const value = /** @type {HTMLInputElement} */ (event.target).value;
      this.#draft = { ...this.#draft, table: table.map((old, place) => (place === row ? { ...old, [member]: value } : old)) };
      this.#redraw();
    };
    const add = () => {
      this.#draft = { ...this.#draft, table: [...table, { label: "", sentiment: "" }] };
      this.#redraw();
    };
    return html`<div class="label-table" role="group" aria-label="Sentiments of the labels">
      ${table.map(
        ({ label, sentiment }, row) => html`<input aria-label=${`Label ${row + 1}`} placeholder="LABEL_${row}" .value=${label} autocomplete="off" spellcheck="false" @input=${set(row, "label")} />
          <select aria-label=${`Sentiment of ${label || `label ${row + 1}`}`} @change=${set(row, "sentiment")}>
            ${SENTIMENTS.map((option) => html`<option value=${option} .selected=${option === sentiment}>${option || "no sentiment"}</option>`)}
          </select>`,
      )}
      <button class="button small" type="button" @click=${add}>${icons.plus}Add a label</button>
    </div>`;
  }

  /** @param {unknown} error */
  #numbers(error) {
    const set = (/** @type {string} */ name) => (/** @type {Event} */ event) => {
      this.#draft = { ...this.#draft, numbers: { ...this.#draft.numbers, [name]: /** @type {HTMLInputElement} */ (event.target).value } };
    };
    const wrong = NUMBERS.some((name) => errorAt(error, name));
    return html`<details class="fold" ?open=${wrong || Object.keys(this.#draft.numbers).length > 0}>
      <summary>More settings</summary>
      <div class="two">
        ${NUMBERS.map((name) => textField({ name, type: "number", min: name === "overlap" ? 0 : 1, label: NUMBER_WORDS[name][0], hint: NUMBER_WORDS[name][1], placeholder: "as the model needs", value: this.#draft.numbers[name] ?? "", error: errorAt(error, name), changed: set(name) }))}
      </div>
    </details>`;
  }
}
