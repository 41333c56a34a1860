// The figures of one bucket, or of the whole range, in a fixed place over the chart.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { count, percent, plural, points } from "../../core/format.js";
import { href } from "../../core/router.js";
import { named, word } from "../../ui/sentiment.js";
import { margin, share, sum } from "./figures.js";
import { historyParams, rangeWords } from "./query.js";
import { bucketTime, days } from "./times.js";

/** @typedef {import("./figures.js").Sums} Sums */
/** @typedef {import("./figures.js").Bucket} Bucket */
/** @typedef {import("./figures.js").Trends} Trends */
/** @typedef {import("../../ui/sentiment.js").Sentiment} Sentiment */
/** @typedef {import("./query.js").Query} Query */

/**
 * @typedef {object} Reading
 * @property {Trends} trends
 * @property {Sums} whole
 * @property {number | null} index the bucket; null for the whole range
 * @property {number} doneUntil
 * @property {readonly Sentiment[]} present
 * @property {readonly string[]} keys the groups that have lines
 * @property {Query} query
 */

/** @param {Reading} reading */
export function readout(reading) {
  const { trends, whole, index, present, keys, query } = reading;
  const sums = index === null ? whole : trends.buckets[index];
  const part = timeOf(reading);
  const linked = sums.total > 0;
  /** @param {Sentiment} sentiment */
  const counted = (sentiment) => {
    const text = html`${count(sums.counts[sentiment])} <span class="hidden">${word(sentiment)} texts, open them in History</span>`;
    return sums.counts[sentiment] > 0
      ? html`<a href=${href("history", historyParams(query, { ...part, sentiment }))}>${text}</a>`
      : html`<span>0</span>`;
  };
  return html`<div class="readout">
    <div class="when">
      <p class="time"><strong>${timeWords(reading)}</strong></p>
      ${tag(reading)}
      <a class=${linked ? "" : "without"} tabindex=${linked ? nothing : -1} href=${href("history", historyParams(query, part))}>Open in History</a>
    </div>
    <dl>
      <div class="net">
        <dt>Net, in points</dt>
        <dd><strong>${points(sums.net)}</strong> <span class="muted">${plusMinus(sums)}</span></dd>
      </div>
      ${figure("Texts", count(sums.total))}
      ${present.map((id) => figure(named(id), html`${percent(share(sums.counts, id))} <span class="small">${counted(id)}</span>`))}
      ${whole.counts.unmapped > 0 ? figure(named(null), count(sums.counts.unmapped)) : nothing}
      ${figure("Mean confidence", percent(sums.mean_confidence))}
    </dl>
    ${keys.length === 0 ? nothing : groupNets(reading)}
  </div>`;
}

/** @param {unknown} name @param {unknown} value */
function figure(name, value) {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** How certain the net is. @param {Sums} sums */
function plusMinus({ counts }) {
  const half = margin(counts);
  return half === null ? nothing : `± ${(half * 100).toFixed(1)}`;
}

/** The nets of the groups that have lines. @param {Reading} reading */
function groupNets({ trends, index, keys }) {
  const buckets = index === null ? trends.buckets : [trends.buckets[index]];
  return html`<p class="group-nets small">
    ${keys.map((key) => {
      const { net } = sum(buckets.flatMap(({ groups = [] }) => groups.filter((group) => group.key === key)));
      return html`<span><bdi>${key}</bdi> <strong>${points(net)}</strong></span>`;
    })}
  </p>`;
}

/** @param {Reading} reading */
function tag({ index, doneUntil, trends }) {
  if (index === null || index < doneUntil) {
    return nothing;
  }
  return html`<span class="tag">${Date.parse(trends.buckets[index].end) > Date.now() ? "not over yet" : "still counting"}</span>`;
}

/** Where the part begins and ends, for History. @param {Reading} reading @returns {{ from: string, to: string }} */
function timeOf({ trends: { buckets }, index }) {
  const [first, last] = index === null ? [buckets[0], buckets[buckets.length - 1]] : [buckets[index], buckets[index]];
  return { from: first.start, to: last.end };
}

/** @param {Reading} reading */
export function timeWords(reading) {
  const { trends, index, query } = reading;
  if (index !== null) {
    return bucketTime(trends.buckets[index], trends.bucket, trends.tz);
  }
  const { from, to } = timeOf(reading);
  // Weeks and months begin long before the range.
  const words =
    query.range && !["1w", "1mo"].includes(trends.bucket)
      ? rangeWords(query)
      : days(Date.parse(from), Date.parse(to), trends.tz);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** All figures in one sentence, for screen readers. @param {Reading} reading */
export function spoken(reading) {
  const { trends, whole, index, present, doneUntil } = reading;
  const sums = index === null ? whole : trends.buckets[index];
  if (sums.total === 0) {
    return `${timeWords(reading)}: no texts.`;
  }
  const shares = present
    .map((id) => `${word(id)} ${percent(share(sums.counts, id))}, ${count(sums.counts[id])}`)
    .join("; ");
  const partial = index !== null && index >= doneUntil ? " Not complete." : "";
  return `${timeWords(reading)}: net ${points(sums.net)} points, plus or minus ${((margin(sums.counts) ?? 0) * 100).toFixed(1)}, ${plural(sums.total, "text")}; ${shares}; mean confidence ${percent(sums.mean_confidence)}.${partial}`;
}
