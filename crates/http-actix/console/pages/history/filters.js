// The filters of the list: those of the API, in the page's address, as chips, and as a form.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { request } from "../../core/api.js";
import { exact, percent } from "../../core/format.js";
import { SENTIMENTS, named } from "../../ui/sentiment.js";
import { icons } from "../../ui/icons.js";
import { menu } from "./menu.js";

/** @typedef {Record<string, string>} Filters by the names of the API's parameters */

/** @type {Record<string, { word: string, shown: (value: string) => unknown }>} */
const FILTERS = {
  sentiment: { word: "Sentiment", shown: (value) => (SENTIMENTS.some(({ id }) => id === value) ? named(value) : user(value)) },
  model: { word: "Model", shown: user },
  ref: { word: "Reference", shown: user },
  from: { word: "From", shown: time },
  to: { word: "Before", shown: time },
  min_confidence: { word: "Confidence from", shown: share },
  max_confidence: { word: "Confidence up to", shown: share },
  q: { word: "Words", shown: user },
};

/** Ranges of time that one often wants, in seconds. */
const RANGES = [
  { word: "Last hour", seconds: 3_600 },
  { word: "Last 24 hours", seconds: 86_400 },
  { word: "Last 7 days", seconds: 7 * 86_400 },
];

/** Names of models to propose: read when the form is first opened. @type {string[] | null} */
let models = null;

/** @param {string} value */
function user(value) {
  return html`<bdi>${value}</bdi>`;
}

/** @param {string} value */
function time(value) {
  return Number.isNaN(Date.parse(value)) ? user(value) : exact(value);
}

/** @param {string} value */
function share(value) {
  return Number.isFinite(Number(value)) ? percent(Number(value), Number.isInteger(Number(value) * 100) ? 0 : 1) : user(value);
}

/** @param {URLSearchParams} params @returns {Filters} those of the address, without empty ones */
export function filtersOf(params) {
  const entries = Object.keys(FILTERS).map((name) => [name, (params.get(name) ?? "").trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** @param {Filters} filters */
export function isFiltered(filters) {
  return Object.keys(filters).length > 0;
}

/** Names the parameters of the address that are no filters of the list. @param {URLSearchParams} params */
export function unknownFilters(params) {
  const names = [...params.keys()].filter((name) => !(name in FILTERS) && name !== "open");
  return names.length === 0
    ? nothing
    : html`<p class="failure unknown">The list cannot filter by ${names.map((name) => html`<code>${name}</code> `)}and shows more than the address asks for.</p>`;
}

/** @param {Filters} filters @param {(filters: Filters) => void} change */
export function chips(filters, change) {
  const names = Object.keys(filters);
  if (names.length === 0) {
    return nothing;
  }
  /** @param {string} name */
  const without = (name) => () => {
    const { [name]: _, ...others } = filters;
    change(others);
    document.getElementById("filter-button")?.focus();
  };
  return html`<ul class="filter-chips" aria-label="Filters in use">
    ${names.map((name) => {
      const { word, shown } = /** @type {typeof FILTERS[string]} */ (FILTERS[name]);
      return html`<li class="chip">
        <span class="what"><span class="muted">${word}</span> ${shown(filters[name] ?? "")}</span>
        <button class="icon-button" aria-label=${`Remove the filter: ${word}`} @click=${without(name)}>${icons.close}</button>
      </li>`;
    })}
    <li><button class="link small" @click=${() => change({})}>Clear filters</button></li>
  </ul>`;
}

/**
 * The button that opens the form, and the form.
 *
 * @param {Filters} filters
 * @param {import("../../types.d.ts").Context} context
 * @param {(filters: Filters) => void} change
 */
export function filterMenu(filters, context, change) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    form.closest(/** @type {"div"} */ ("[popover]"))?.hidePopover();
    change({ ...read(form), ...(filters.q ? { q: filters.q } : {}) });
  };
  /** @param {number} seconds */
  const range = (seconds) => (/** @type {Event} */ event) => {
    const form = /** @type {HTMLButtonElement} */ (event.currentTarget).form;
    set(form, "from", local(new Date(Date.now() - seconds * 1000).toISOString()));
    set(form, "to", "");
  };
  /** @param {HTMLElement} panel */
  const fill = (panel) => {
    const form = panel.querySelector("form");
    for (const name of Object.keys(FILTERS)) {
      set(form, name, written(name, filters[name] ?? ""));
    }
    void readModels(context);
  };
  const body = html`<form class="filter-form" @submit=${submit}>
    <label class="field"><span>Sentiment</span>
      <select name="sentiment" autofocus>
        <option value="">Any</option>
        ${SENTIMENTS.map(({ id, sign }) => html`<option value=${id}>${id} (${sign})</option>`)}
      </select>
    </label>
    <label class="field"><span>Model</span><input name="model" list="filter-models" autocomplete="off" spellcheck="false" placeholder="Any" /></label>
    <datalist id="filter-models">${models?.map((name) => html`<option value=${name}></option>`)}</datalist>
    <label class="field wide"><span>Reference, exactly as it was sent</span><input name="ref" maxlength="128" autocomplete="off" spellcheck="false" placeholder="Any" /></label>
    <div class="row wide" role="group" aria-label="Ranges that end now">
      ${RANGES.map(({ word, seconds }) => html`<button type="button" class="button small" @click=${range(seconds)}>${word}</button>`)}
    </div>
    <label class="field wide"><span>From</span><input name="from" type="datetime-local" step="1" /></label>
    <label class="field wide"><span>Before</span><input name="to" type="datetime-local" step="1" /></label>
    <label class="field"><span>Confidence from, in %</span><input name="min_confidence" type="number" min="0" max="100" step="any" inputmode="decimal" placeholder="0" /></label>
    <label class="field"><span>Confidence up to, in %</span><input name="max_confidence" type="number" min="0" max="100" step="any" inputmode="decimal" placeholder="100" /></label>
    <div class="row end wide"><button class="button primary">Apply</button></div>
  </form>`;
  return menu({ id: "filter", label: html`${icons.plus}Filter`, title: "Filters", body, opened: fill });
}

/** @param {import("../../types.d.ts").Context} context */
async function readModels({ can, redraw }) {
  if (models === null && can("models:read")) {
    models = [];
    const answer = await request("GET", "api/v1/models").catch(() => ({ items: [] }));
    models = answer.items.map((/** @type {{ name: string }} */ { name }) => name);
    redraw();
  }
}

/** @param {HTMLFormElement | null} form @param {string} name @param {string} value */
function set(form, name, value) {
  const field = form?.elements.namedItem(name);
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) {
    field.value = value;
  }
}

/** @param {HTMLFormElement} form @returns {Filters} */
function read(form) {
  /** @type {Filters} */
  const filters = {};
  for (const [name, field] of new FormData(form)) {
    const value = String(field).trim();
    if (value !== "") {
      filters[name] =
        name === "from" || name === "to"
          ? new Date(value).toISOString()
          : name.endsWith("_confidence")
            ? String(Number((Number(value) / 100).toFixed(6)))
            : value;
    }
  }
  return filters;
}

/** @param {string} name @param {string} value @returns {string} as the form's field has it */
function written(name, value) {
  if (value === "") {
    return "";
  }
  if (name === "from" || name === "to") {
    return Number.isNaN(Date.parse(value)) ? "" : local(value);
  }
  return name.endsWith("_confidence") ? String(Number((Number(value) * 100).toFixed(4))) : value;
}

/** @param {string} time RFC 3339 @returns {string} in the browser's time zone, for a field, to the second */
function local(time) {
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
