// The two panels of the chart: the net line with those of groups, over the bars of shares or counts.

import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { compact, count } from "../../core/format.js";
import { SENTIMENTS, named } from "../../ui/sentiment.js";

/** @typedef {import("../../ui/sentiment.js").Sentiment} Sentiment */
/** @typedef {Record<Sentiment | "unmapped", number>} Counts */
/** @typedef {{ total: number, counts: Counts, net: number | null, mean_confidence: number | null }} Sums */
/** @typedef {Sums & { start: string, end: string, groups?: (Sums & { key: string })[] }} Bucket */
/** @typedef {{ buckets: Bucket[], bucket: string, complete_until: string | null, recounting: boolean, tz: string }} Trends */

/** The bars from below: neutral lies between the two that must not be confused. @type {readonly Sentiment[]} */
const STACK = ["negative", "mixed", "neutral", "positive"];

/** Their colors. */
const FILLS = { negative: "--negative", mixed: "--mixed", neutral: "--neutral-fill", positive: "--positive" };

/** How the lines of groups look: told apart by their dashes too. */
const STROKES = [
  { color: "--accent", width: 1.5 },
  { color: "--accent", width: 1.5, dash: [8, 4] },
  { color: "--muted", width: 1.5, dash: [2, 3] },
  { color: "--muted", width: 1.5, dash: [10, 3, 2, 3] },
];

/** How many predictions have a sentiment. @param {Counts} counts */
export function mapped(counts) {
  return counts.negative + counts.neutral + counts.positive + counts.mixed;
}

/** The share of a sentiment among the predictions that have one; null where none has. @param {Counts} counts @param {Sentiment} sentiment */
export function share(counts, sentiment) {
  const all = mapped(counts);
  return all === 0 ? null : counts[sentiment] / all;
}

/** The groups with lines: those with the most predictions. @param {readonly Bucket[]} buckets @returns {string[]} */
export function lineKeys(buckets) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const { key, total } of buckets.flatMap(({ groups = [] }) => groups)) {
    totals.set(key, (totals.get(key) ?? 0) + total);
  }
  totals.delete("(other)");
  return [...totals].sort(([, a], [, b]) => b - a).slice(0, STROKES.length).map(([key]) => key);
}

/** The index of the first bucket that is not complete. @param {Trends} trends @param {number} [now] */
export function doneUntil({ buckets, complete_until: until }, now = Date.now()) {
  const done = until === null ? 0 : Math.min(Date.parse(until), now);
  const index = buckets.findIndex(({ end }) => Date.parse(end) > done);
  return index === -1 ? buckets.length : index;
}

/**
 * @param {Trends} trends
 * @param {{ counts: boolean, present: readonly Sentiment[], keys: readonly string[] }} options
 * @returns {import("../../ui/chart.js").Chart}
 */
export function chartOf(trends, { counts: byCount, present, keys }) {
  const { buckets, tz } = trends;
  /** @param {number | null | undefined} net */
  const points = (net) => (net === null || net === undefined ? null : net * 100);
  const lines = [
    { values: buckets.map(({ net }) => points(net)), color: "--ink", width: 2 },
    ...keys.map((key, place) => ({
      ...STROKES[place],
      values: buckets.map(({ groups }) => points(groups?.find((group) => group.key === key)?.net)),
    })),
  ];
  const bars = STACK.map((sentiment) => ({
    color: FILLS[sentiment],
    values: buckets.map(({ counts }) => (byCount ? counts[sentiment] || null : share(counts, sentiment))),
  }));
  if (byCount) {
    bars.push({ color: "--unmapped", values: buckets.map(({ counts }) => counts.unmapped || null) });
  }
  const most = Math.max(...buckets.map(({ total }) => total), 1);
  return {
    starts: buckets.map(({ start }) => Date.parse(start)),
    ends: buckets.map(({ end }) => Date.parse(end)),
    doneUntil: doneUntil(trends),
    zone: tz,
    panels: [
      {
        head: html`<span>Net</span>${keys.length === 0 ? nothing : lineLegend(keys)}`,
        height: 176,
        range: netRange(lines.flatMap(({ values }) => values)),
        label: (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${count(Math.abs(value))}`,
        lines,
        bars: [],
      },
      {
        head: html`<span>${byCount ? "Texts" : "Shares"}</span>${barLegend(present, byCount && buckets.some(({ counts }) => counts.unmapped > 0))}`,
        height: 168,
        range: [0, byCount ? most * 1.05 : 1],
        label: byCount ? (value) => (Number.isInteger(value) ? compact(value) : "") : (value) => `${Math.round(value * 100)}%`,
        lines: [],
        bars,
      },
    ],
  };
}

/** The range of the net line: with room around it, and with zero where that is near. @param {(number | null)[]} values @returns {[number, number]} */
function netRange(values) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) {
    return [-100, 100];
  }
  let low = Infinity;
  let high = -Infinity;
  for (const value of known) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const room = Math.max((high - low) * 0.15, 6);
  const [bottom, top] = [low - room, high + room];
  const near = Math.max(top - bottom, 20);
  return [Math.max(bottom > 0 && bottom < near ? -room : bottom, -103), Math.min(top < 0 && -top < near ? room : top, 103)];
}

/** @param {readonly Sentiment[]} present @param {boolean} unmapped */
function barLegend(present, unmapped) {
  return html`<span class="legend">
    ${[...STACK].reverse().filter((id) => present.includes(id)).map((id) => html`<span class="key ${id}"><span class="swatch"></span>${named(id)}</span>`)}
    ${unmapped ? html`<span class="key unmapped"><span class="swatch"></span>${named(null)}</span>` : nothing}
  </span>`;
}

/** @param {readonly string[]} keys */
function lineLegend(keys) {
  return html`<span class="legend">
    <span class="key">${sample({ color: "--ink", width: 2 })}all</span>
    ${keys.map((key, place) => html`<span class="key">${sample(STROKES[place])}<bdi>${key}</bdi></span>`)}
  </span>`;
}

/** @param {{ color: string, width: number, dash?: number[] }} stroke */
function sample({ color, width, dash }) {
  return html`<svg class="sample ${color.slice(2)}" viewBox="0 0 28 8" aria-hidden="true">
    ${svg`<path d="M0 4h28" stroke-width=${width} stroke-dasharray=${dash?.join(" ") ?? "none"} />`}
  </svg>`;
}

/** The sentiments that a range has, in the order in which they are shown: mixed only where there is any. @param {readonly Bucket[]} buckets */
export function presentIn(buckets) {
  const ids = SENTIMENTS.map(({ id }) => id);
  return ids.filter((id) => id !== "mixed" || buckets.some(({ counts }) => counts.mixed > 0));
}
