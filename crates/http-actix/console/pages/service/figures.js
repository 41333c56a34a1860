// The six figures with their lines over ten minutes, and the same as a table.

import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { bytes, compact, count, milliseconds, percent, plural } from "../../core/format.js";
import { BEYOND } from "./metrics.js";
import { EVERY, SHOWN, intervals, lately, latest, metrics, minutes } from "./watch.js";

/** @typedef {import("./metrics.js").Span} Span */

const WIDTH = 240;
const HEIGHT = 40;
const MINUTE = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** @param {number | null} seconds */
const time = (seconds) => (seconds === null ? "–" : seconds === Infinity ? BEYOND : milliseconds(seconds));

/** @param {number} value */
const rate = (value) => (value >= 100 ? count(value) : value.toFixed(1));

/**
 * @typedef {object} Figure
 * @property {string} title
 * @property {(span: Span) => number | null} value
 * @property {(value: number) => string} words
 * @property {(span: Span) => unknown} note what the figure is about, and over which time
 * @property {number} [top] the upper end of the line, unless the highest value is
 */

/** @param {number} n @param {string} one */
const from = (n, one) => (n === 0 ? html`no ${one}s in ` : html`${plural(n, one)} in `);

/** @type {readonly Figure[]} */
const FIGURES = [
  { title: "Answers per second", value: ({ rate }) => rate, words: rate, note: ({ answers }) => from(answers, "answer") },
  { title: "Half of the requests within", value: ({ p50 }) => p50, words: time, note: ({ requests }) => html`p50, estimated: ${from(requests, "request")}` },
  { title: "99% of the requests within", value: ({ p99 }) => p99, words: time, note: ({ requests }) => html`p99, estimated: ${from(requests, "request")}` },
  { title: "Texts in the queue", value: ({ queue }) => queue, words: count, note: () => html`${plural(latest()?.sums.undertone_queue_tokens ?? 0, "token")}, now; ` },
  { title: "From the cache", value: ({ hits }) => hits, words: (share) => percent(share), note: ({ lookups }) => from(lookups, "text"), top: 1 },
  { title: "99% of commits within", value: ({ commit }) => commit, words: time, note: ({ commits }) => html`store, estimated: ${from(commits, "commit")}` },
];

/** The lines show at least this time, and more as the page watches on. */
const AT_LEAST = 2 * 60_000;

/** The cards, the line about errors, and the table. */
export function figures() {
  const span = lately();
  const points = intervals();
  const to = latest()?.at ?? Date.now();
  const width = Math.min(SHOWN, Math.max(AT_LEAST, Math.ceil((to - (points[0]?.at ?? to)) / 60_000) * 60_000));
  return html`<div class="figures">${FIGURES.map((figure) => card(figure, span, points, { from: to - width, to }))}</div>
    ${notes(span)} ${table()}`;
}

/** @param {Figure} figure @param {Span | null} span @param {{ at: number, span: Span | null }[]} points @param {{ from: number, to: number }} range */
function card({ title, value, words, note, top }, span, points, range) {
  const shown = span ? value(span) : null;
  const values = points.map(({ at, span: part }) => ({ at, value: part ? value(part) : null }));
  const finite = values.flatMap(({ value }) => (value === null ? [] : [value]));
  const highest = finite.length > 0 ? Math.max(...finite) : null;
  const seconds = span ? Math.round(span.seconds) : 0;
  return html`<section class="card figure" aria-label=${title}>
    <h3>${title}</h3>
    <p class="value">${shown === null ? "–" : words(shown)}</p>
    <p class="small muted note">${span ? html`${note(span)}${title === "Texts in the queue" ? "every 5 s" : `${seconds} s`}` : "after two readings, 5 s apart"}</p>
    ${sparkline(values, top ?? highest ?? 0, range)}
    <p class="small muted ends"><span>${(range.to - range.from) / 60_000} min ago</span><span>${highest === null ? nothing : `highest ${words(highest)}`}</span><span>now</span></p>
  </section>`;
}

/** @param {{ at: number, value: number | null }[]} values @param {number} top @param {{ from: number, to: number }} range */
function sparkline(values, top, { from, to }) {
  const highest = Number.isFinite(top) && top > 0 ? top : 1;
  let path = "";
  let pen = false;
  let last = null;
  for (const { at, value } of values) {
    if (value === null) {
      pen = false;
      continue;
    }
    const x = (WIDTH * (at - from)) / (to - from);
    const y = HEIGHT - 2 - (HEIGHT - 4) * Math.min(1, value / highest);
    if (x < 0) {
      continue;
    }
    // A point alone is a dot.
    path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${pen ? "" : "h.01"}`;
    pen = true;
    last = value;
  }
  return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    ${svg`<path class="base" d="M0 ${HEIGHT - 1}H${WIDTH}" />`} ${last === null ? nothing : svg`<path class="line" d=${path} />`}
  </svg>`;
}

/** @param {Span | null} span */
function notes(span) {
  const sums = latest()?.sums;
  if (!span || !sums) {
    return html`<p class="small muted about">Read every ${EVERY / 1000} s while this page is visible.</p>`;
  }
  const all = minutes().map(({ span }) => span);
  const sum = (/** @type {(span: Span) => number} */ of) => all.reduce((before, span) => before + of(span), 0);
  const failed = sum(({ failed }) => failed);
  const over = all.reduce((before, { seconds }) => before + seconds, 0);
  return html`<p class="small muted about">
    In the ${over < 90 ? `${Math.round(over)} s` : `${Math.round(over / 60)} min`} that this page has watched:
    <span class=${failed > 0 ? "bad" : ""}>${plural(failed, "response")} of 5xx</span>, ${count(sum(({ refused }) => refused))} of 429.
    The cache has ${plural(sums.cache_entries ?? 0, "entry", "entries")} (${bytes(sums.cache_bytes ?? 0)}).
    ${metrics.error ? html`<span class="bad">No reading since ${TIME.format(latest()?.at)}; trying again.</span>` : nothing}
  </p>`;
}

function table() {
  return html`<details class="fold">
    <summary>As a table, and how it is measured</summary>
    <p class="small muted measured">
      Read from <code>/metrics</code> of this replica every ${EVERY / 1000} s while the page is visible; each point of a line is one such interval.
      Requests are <code>POST</code>s for one text or a batch, also those that were refused, not streams. Percentiles are estimates: by a straight line within buckets from 1 ms to 10 s.
    </p>
    <div class="table-box" tabindex="0" role="region" aria-label="The figures by minute">
      <table class="table">
        <caption class="hidden">The figures by minute, the latest first</caption>
        <thead>
          <tr>
            <th scope="col">Minute from</th>
            ${["Answers/s", "p50", "p99", "Queue", "Cache", "Commit p99"].map((title) => html`<th scope="col" class="number">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${minutes().map(
            ({ at, span }) => html`<tr>
              <th scope="row">${MINUTE.format(at)}</th>
              ${[rate(span.rate), time(span.p50), time(span.p99), compact(span.queue), percent(span.hits), time(span.commit)].map((words) => html`<td class="number">${words}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
