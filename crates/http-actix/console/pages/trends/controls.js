// What the page shows: the range, the buckets, the time zone, and the filters.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { focusNext } from "../../ui/focus.js";
import { icons } from "../../ui/icons.js";
import { BUCKETS, LOCAL_ZONE, RANGES, bounds, possibleBuckets } from "./query.js";
import { fromField, toField } from "./times.js";

/** @typedef {import("./query.js").Query} Query */

/**
 * @typedef {object} Controls
 * @property {Query} query
 * @property {readonly string[]} models
 * @property {string} width of the buckets that are shown
 * @property {string} problem what is wrong with the dates that were entered
 * @property {boolean} filtering whether the form for a filter is open
 * @property {(change: Partial<Query>) => void} change
 * @property {(problem: string) => void} refuse
 * @property {(open: boolean) => void} openFilter
 */

/** @param {Controls} controls */
export function toolbar(controls) {
  const { query, change, width } = controls;
  const zones = [...new Set([LOCAL_ZONE, "UTC", query.tz])];
  const models = new Set([...controls.models, query.model].filter((name) => name !== ""));
  const auto = BUCKETS.find(({ id }) => id === width);
  return html`<div class="toolbar" role="group" aria-label="What the page shows">
    <div class="field">
      <span id="range-label">Range</span>
      <div class="segmented" role="group" aria-labelledby="range-label">
        ${RANGES.map(
          ({ id, title, words }) =>
            html`<button aria-pressed=${query.range === id} title=${words} @click=${() => change({ range: id, from: "", to: "", bucket: "" })}>${title}</button>`,
        )}
        <button aria-pressed=${query.range === null} @click=${() => query.range && change({ range: null, from: new Date(Math.floor(bounds(query).from / 60_000) * 60_000).toISOString(), to: "" })}>Custom</button>
      </div>
    </div>
    ${select("Buckets", query.bucket, [["", `Auto${auto && query.bucket === "" ? ` (${auto.title})` : ""}`], ...possibleBuckets(query).map(({ id, title }) => [id, title])], (bucket) => change({ bucket }))}
    ${select(
      "Time zone",
      query.tz,
      zones.map((zone) => [zone, zone.replaceAll("_", " ")]),
      (tz) => change({ tz }),
    )}
    ${select("Model", query.model, [["", "All models"], ...[...models].map((name) => [name, name])], (model) => change({ model }))}
    ${metadata(controls)}
  </div>
  ${query.range === null ? custom(controls) : nothing}`;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string[][]} options values and what they are called
 * @param {(value: string) => void} choose
 */
function select(name, value, options, choose) {
  return html`<label class="field">
    <span>${name}</span>
    <select .value=${live(value)} @change=${(/** @type {Event} */ event) => choose(/** @type {HTMLSelectElement} */ (event.target).value)}>
      ${options.map(([id, title]) => html`<option value=${id} ?selected=${id === value}>${title}</option>`)}
    </select>
  </label>`;
}

/** The beginning and the end of a range of one's own. @param {Controls} controls */
function custom({ query, change, refuse, problem }) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const { from, to } = entered(event);
    const [begin, end] = [fromField(from, query.tz), fromField(to, query.tz)];
    if (begin === "") {
      refuse("Enter when the range begins.");
    } else if (begin >= (end || new Date().toISOString())) {
      refuse(end === "" ? "The range begins in the future." : "The range ends before it begins.");
    } else {
      change({ range: null, from: begin, to: end, bucket: "" });
    }
  };
  const invalid = problem === "" ? nothing : "true";
  return html`<form class="toolbar" aria-label="Custom range" @submit=${submit}>
    <label class="field"><span>From</span><input type="datetime-local" name="from" required .value=${toField(bounds(query).from, query.tz)} aria-invalid=${invalid} aria-describedby="range-problem" /></label>
    <label class="field"><span>To (empty for now)</span><input type="datetime-local" name="to" .value=${query.to ? toField(Date.parse(query.to), query.tz) : ""} aria-invalid=${invalid} aria-describedby="range-problem" /></label>
    <button class="button">Show</button>
    <p class=${problem === "" ? "" : "failure"} id="range-problem" role="alert">${problem}</p>
  </form>`;
}

/** The filter by a value of metadata: as a chip, or the form to set it. @param {Controls} controls */
function metadata({ query, change, filtering, openFilter }) {
  if (query.key !== "") {
    return html`<div class="field">
      <span>Metadata</span>
      <span class="chip"><span class="cut"><bdi>${query.key}</bdi> = <bdi>${query.value}</bdi></span>
        <button class="icon-button" id="metadata-filter" aria-label="Remove the filter by metadata" @click=${() => (focusNext("#metadata-filter"), change({ key: "", value: "" }))}>${icons.close}</button>
      </span>
    </div>`;
  }
  if (!filtering) {
    return html`<div class="field"><span>Metadata</span><button class="button" id="metadata-filter" aria-expanded="false" @click=${() => (focusNext(".pair input"), openFilter(true))}>${icons.plus}Filter</button></div>`;
  }
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const { key, value } = entered(event);
    focusNext("#metadata-filter");
    change({ key, value });
  };
  const close = () => (focusNext("#metadata-filter"), openFilter(false));
  return html`<form class="pair" aria-label="Filter by metadata" @submit=${submit} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close()}>
    <label class="field"><span>Metadata key</span><input name="key" required maxlength="64" list="metadata-keys" autocomplete="off" spellcheck="false" /></label>
    <label class="field"><span>Value</span><input name="value" required autocomplete="off" spellcheck="false" /></label>
    <button class="button">Filter</button>
    <button class="icon-button" type="button" aria-label="Close the filter" @click=${close}>${icons.close}</button>
  </form>`;
}

/** The metadata keys to suggest. @param {readonly string[]} keys */
export function keyList(keys) {
  return html`<datalist id="metadata-keys">${keys.map((key) => html`<option value=${key}></option>`)}</datalist>`;
}

/** What a form has, by the names of its fields. @param {SubmitEvent} event @returns {Record<string, string>} */
export function entered(event) {
  const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
  return Object.fromEntries([...data].map(([name, value]) => [name, String(value).trim()]));
}
