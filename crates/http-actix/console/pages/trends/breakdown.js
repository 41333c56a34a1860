// The groups of the range beside each other: shares of negative texts with their intervals, the most unlike first.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ApiError } from "../../core/api.js";
import { count, percent, plural, points } from "../../core/format.js";
import { href } from "../../core/router.js";
import { focusNext } from "../../ui/focus.js";
import { empty, failure, loading } from "../../ui/states.js";
import { styles } from "../../ui/styles.js";
import { entered } from "./controls.js";
import { drawsLines, historyParams, write } from "./query.js";

/** @typedef {import("./query.js").Query} Query */
/**
 * @typedef {{ value: number, low: number, high: number }} Share
 */
/**
 * @typedef {import("./figures.js").Sums & { key: string, negative: Share | null, z: number | null }} Row
 */
/** @typedef {{ rows: Row[], from: string, to: string }} Breakdown */

/** All groups without a name together. */
const OTHER = "(other)";

/** The button of a dimension, once it is pressed. @param {string} by */
const pressed = (by) => `#break-by [data-by="${CSS.escape(by)}"][aria-pressed=true]`;

/** From here on a difference is rarely chance. */
const CLEAR = 3;

/**
 * @typedef {object} Options
 * @property {Query} query
 * @property {import("../../core/load.js").Load<Breakdown>} load
 * @property {readonly string[]} keys by which the service is known to count
 * @property {boolean} asking whether the form for another key is open
 * @property {(change: Partial<Query>) => void} change
 * @property {(open: boolean) => void} ask
 * @property {() => void} retry
 */

/** @param {Options} options */
export function breakdown(options) {
  const { query, asking, keys, ask, change } = options;
  const choices = [...new Set(["model", ...keys.map((key) => `metadata.${key}`), query.by])];
  return html`<section class="section" aria-labelledby="breakdown-title">
    <header>
      <h2 id="breakdown-title">Breakdown</h2>
      <div class="row">
        <div class="segmented words" id="break-by" role="group" aria-label="Break down by">
          ${choices.map(
            (by) =>
              html`<button data-by=${by} aria-pressed=${query.by === by} @click=${() => (ask(false), change({ by }))}>${by === "model" ? "Model" : html`<bdi>${by.slice(9)}</bdi>`}</button>`,
          )}
          <button id="other-key" aria-expanded=${asking} @click=${() => (focusNext(".key-form input"), ask(!asking))}>Metadata key…</button>
        </div>
      </div>
    </header>
    ${asking ? keyForm(options) : nothing}
    ${content(options)}
  </section>`;
}

/** @param {Options} options */
function keyForm({ change, ask }) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const by = `metadata.${entered(event).key}`;
    focusNext(pressed(by));
    ask(false);
    change({ by });
  };
  return html`<form class="toolbar key-form" aria-label="Break down by a metadata key" @submit=${submit} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (focusNext("#other-key"), ask(false))}>
    <label class="field"><span>Metadata key</span><input name="key" required maxlength="64" list="metadata-keys" autocomplete="off" spellcheck="false" /></label>
    <button class="button">Break down</button>
  </form>`;
}

/** @param {Options} options */
function content({ query, load, change, retry }) {
  if (load.error) {
    return explained(load.error, query, change) ?? failure(load.error, retry);
  }
  if (!load.value) {
    return loading(4, "Loading the breakdown");
  }
  const rows = sorted(load.value.rows);
  if (rows.length === 0) {
    return empty("No groups", "There are no texts in this range.");
  }
  const filters = [...(query.model ? ["model"] : []), ...(query.key ? ["metadata"] : [])].join(" and ");
  return html`${filters === "" ? nothing : html`<p class="small muted">All texts of the range: the filter by ${filters} does not apply here.</p>`}
    ${table(rows, load.value, query)}
    <div class="row foot small">
      <label class="check"
        ><input type="checkbox" .checked=${query.lines} @change=${(/** @type {Event} */ event) => change({ lines: /** @type {HTMLInputElement} */ (event.target).checked })} /> Draw the net lines of
        the largest groups in the chart</label
      >
      ${query.lines && !drawsLines(query) ? html`<span>Not together with the filter by metadata.</span>` : nothing}
      <p class="muted">z is how many standard errors a group's share of negative texts lies above or below that of all others; beyond ±3 is rarely chance.</p>
    </div>`;
}

/** @param {Row[]} rows @param {Breakdown} range @param {Query} query */
function table(rows, range, query) {
  const most = Math.max(...rows.map(({ negative }) => negative?.high ?? 0));
  const scale = Math.min(Math.max(Math.ceil(most * 10) / 10, 0.1), 1);
  const all = rows.reduce(
    ([negative, known], { counts }) => [
      negative + counts.negative,
      known + counts.negative + counts.neutral + counts.positive + counts.mixed,
    ],
    [0, 0],
  );
  return html`<div class="table-box" tabindex="0" role="region" aria-label="Breakdown">
    <table class="table breakdown">
      <caption class="hidden">
        Groups by the distance of their share of negative texts from that of all others
      </caption>
      <thead>
        <tr>
          <th scope="col">${query.by === "model" ? "Model" : html`<bdi>${query.by.slice(9)}</bdi>`}</th>
          <th scope="col" class="number">Texts</th>
          <th scope="col" class="number">Net, in points</th>
          <th scope="col">Negative, with its 95% interval <span class="axis" aria-hidden="true">0 to ${percent(scale, 0)}</span></th>
          <th scope="col">Against the rest</th>
          ${query.by === "model" ? html`<th scope="col"><span class="hidden">History</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => rowOf(row, range, query, { scale, all: all[1] === 0 ? 0 : all[0] / all[1] }))}
      </tbody>
    </table>
  </div>`;
}

/** @param {Row} row @param {Breakdown} range @param {Query} query @param {{ scale: number, all: number }} axis */
function rowOf({ key, total, net, negative, z }, range, query, { scale, all }) {
  const filter = query.by === "model" ? { model: key } : { key: query.by.slice(9), value: key };
  return html`<tr>
    <th scope="row">
      ${key === OTHER ? "All others" : html`<a href=${href("trends", write({ ...query, ...filter }))}><bdi>${key === "(none)" ? "without the key" : key}</bdi></a>`}
    </th>
    <td class="number">${count(total)}</td>
    <td class="number">${points(net)}</td>
    <td>
      ${
        negative
          ? html`<span class="share"
            ><span class="interval" aria-hidden="true" ${styles({ "--low": `${(negative.low / scale) * 100}%`, "--value": `${(negative.value / scale) * 100}%`, "--high": `${(negative.high / scale) * 100}%`, "--all": `${(all / scale) * 100}%` })}></span
            ><span class="figures">${percent(negative.value)} <span class="muted">${percent(negative.low)}–${percent(negative.high)}</span></span></span
          >`
          : html`<span class="muted">none has a sentiment</span>`
      }
    </td>
    <td class=${z !== null && Math.abs(z) >= CLEAR ? "clear" : "muted"}>${difference(z)}</td>
    ${
      query.by === "model"
        ? html`<td>${key === OTHER ? nothing : html`<a href=${href("history", historyParams(query, { from: range.from, to: range.to, model: key }))}>History<span class="hidden"> of ${key}</span></a>`}</td>`
        : nothing
    }
  </tr>`;
}

/** @param {number | null} z */
function difference(z) {
  if (z === null) {
    return "–";
  }
  const words = Math.abs(z) < CLEAR ? "no clear difference" : z > 0 ? "more negative" : "less negative";
  return `z ${z > 0 ? "+" : z < 0 ? "−" : ""}${Math.abs(z).toFixed(1)}, ${words}`;
}

/** The most unlike first, those that cannot be compared last. @param {readonly Row[]} rows */
function sorted(rows) {
  const rank = (/** @type {Row} */ { key, z }) => (key === OTHER ? -2 : z === null ? -1 : Math.abs(z));
  return [...rows].sort((a, b) => rank(b) - rank(a));
}

/**
 * What to do about a key by which the service does not count.
 *
 * @param {unknown} error
 * @param {Query} query
 * @param {Options["change"]} change
 */
function explained(error, query, change) {
  if (!(error instanceof ApiError && error.status === 422 && query.by !== "model")) {
    return null;
  }
  const keys = keysIn(error);
  const choose = (/** @type {string} */ by) => (focusNext(pressed(by)), change({ by }));
  return html`<div class="state">
    <h3>Texts are not counted by <bdi>${query.by.slice(9)}</bdi></h3>
    ${
      keys.length === 0
        ? html`<p>The setting <code>analytics.dimensions</code> names the metadata keys by which this service counts, and has none. An operator can add up to two.</p>`
        : html`<p>This service counts by ${keys.length === 1 ? "this metadata key" : plural(keys.length, "metadata key")}:</p>`
    }
    <div class="row">
      ${keys.map((key) => html`<button class="button" @click=${() => choose(`metadata.${key}`)}><bdi>${key}</bdi></button>`)}
      <button class="button" @click=${() => choose("model")}>Model</button>
    </div>
  </div>`;
}

/**
 * The keys by which the service counts, as it lists them when it refuses another one.
 *
 * @param {unknown} error
 * @returns {string[]}
 */
export function keysIn(error) {
  if (!(error instanceof ApiError && error.code === "not_one_of")) {
    return [];
  }
  const list = /must be one of metadata\.(.*?)[.]?$/s.exec(error.message)?.[1];
  return list ? list.split(", metadata.") : [];
}
