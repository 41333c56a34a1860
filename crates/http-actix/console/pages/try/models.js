// Which models answer: chosen from those that are served, and in the address.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { request } from "../../core/api.js";
import { Load } from "../../core/load.js";
import { answersTyping, question } from "./question.js";

/** @typedef {{ name: string, default: boolean, precision: string }} Model */

/** As they were listed last. @type {readonly Model[]} */
let known = [];

/** The served models, and those of the address: `model`, and `compare` for the second one. */
export class Models {
  /** @type {Load<{ items: Model[] }>} */
  #list;
  #context;

  /** @param {import("../../types.d.ts").Context} context */
  constructor(context) {
    this.#context = context;
    this.#list = new Load(() => context.redraw());
    if (context.can("models:read")) {
      void this.#list.run(async (signal) => {
        const list = await request("GET", "api/v1/models", { signal });
        known = list.items;
        return list;
      });
    }
  }

  /** @returns {readonly Model[]} empty where the caller may not see them */
  get items() {
    return this.#context.can("models:read") ? known : [];
  }

  get loading() {
    return this.#list.loading;
  }

  /** @param {string} name */
  find(name) {
    return this.items.find((model) => model.name === name);
  }

  /** The value of its option: empty for the default model. @param {string | null} name @returns {string} */
  valueOf(name) {
    return name === null || this.find(name)?.default ? "" : name;
  }

  /** @param {string | null} name @returns {string} */
  nameOf(name) {
    return name ?? this.items.find((model) => model.default)?.name ?? "default model";
  }

  /** Takes the models of the address. */
  navigated() {
    const { params } = this.#context;
    const [first, second] = question.sides;
    first.model = params.get("model");
    second.model = params.get("compare");
    question.comparing = second.model !== null;
    if (!question.comparing) {
      second.clear();
    }
    // What was asked before is asked of these, and what was not answered when the page was closed.
    if (answersTyping() || first.asked === question.text) {
      question.ask();
    }
  }

  /** @param {{ model?: string | null, compare?: string | null }} change */
  choose(change) {
    const next = { model: this.#context.params.get("model"), compare: this.#context.params.get("compare"), ...change };
    const entries = Object.entries(next).filter(([, name]) => name);
    this.#context.setParams(/** @type {Record<string, string>} */ (Object.fromEntries(entries)), { replace: true });
  }
}

/** The choice of models, where there are several. @param {Models} models */
export function modelChoices(models) {
  const { items } = models;
  const [first, second] = question.sides;
  const unknown = [first.model, second.model].some((name) => name !== null && !models.find(name));
  if (items.length < 2 && (!unknown || models.loading)) {
    return nothing;
  }
  if (items.length < 2) {
    return html`<div class="try-models">
      <span class="muted">Model <bdi>${first.model ?? second.model}</bdi></span>
      <button class="link" type="button" @click=${() => models.choose({ model: null, compare: null })}>Use the default model</button>
    </div>`;
  }
  /** @param {Event} event */
  const chosen = (event) => /** @type {HTMLSelectElement} */ (event.target).value || null;
  return html`<div class="try-models">
    <label class="try-choice">
      <span>Model</span>
      <select @change=${(/** @type {Event} */ event) => models.choose({ model: chosen(event) })}>
        ${option("", models.nameOf(null), models.valueOf(first.model))}
        ${items.filter((model) => !model.default).map(({ name }) => option(name, name, models.valueOf(first.model)))}
        ${missing(models, first.model)}
      </select>
    </label>
    <label class="try-choice">
      <span>Compare with</span>
      <select @change=${(/** @type {Event} */ event) => models.choose({ compare: chosen(event) })}>
        ${option("", "no other model", second.model ?? "")}
        ${items.map(({ name }) => option(name, name, second.model ?? ""))}
        ${missing(models, second.model)}
      </select>
    </label>
  </div>`;
}

/** A model of the address that is not served. @param {Models} models @param {string | null} name */
function missing(models, name) {
  return name !== null && !models.find(name) ? option(name, `${name} (not served)`, name) : nothing;
}

/** @param {string} value @param {string} text @param {string} selected */
function option(value, text, selected) {
  return html`<option value=${value} .selected=${live(value === selected)}>${text}</option>`;
}
