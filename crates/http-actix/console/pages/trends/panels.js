// The two panels of the chart: the net line with those of groups, over the bars of shares or counts.

import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { compact, count } from "../../core/format.js";
import { named } from "../../ui/sentiment.js";
import { doneUntil, margin, share, sum } from "./figures.js";

/** @typedef {import("../../ui/sentiment.js").Sentiment} Sentiment */
/** @typedef {import("./figures.js").Bucket} Bucket */
/** @typedef {import("./figures.js").Trends} Trends */

/** The most bars that a wide window, and a narrow one, can show apart. */
const [MOST_WIDE, MOST_NARROW] = [700, 200];

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

/** The groups with lines: those with the most predictions. @param {readonly Bucket[]} buckets @returns {string[]} */
export function lineKeys(buckets) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const { key, total } of buckets.flatMap(({ groups = [] }) => groups)) {
    totals.set(key, (totals.get(key) ?? 0) + total);
  }
  totals.delete("(other)");
  return [...totals]
    .sort(([, a], [, b]) => b - a)
    .slice(0, STROKES.length)
    .map(([key]) => key);
}

/** How many buckets are drawn as one. @param {number} buckets */
export function mergedInto(buckets) {
  return Math.ceil(buckets / (innerWidth < 800 ? MOST_NARROW : MOST_WIDE));
}

/**
 * Sums every `size` buckets that follow one another.
 *
 * @param {readonly Bucket[]} buckets
 * @param {number} size
 * @param {readonly string[]} keys
 * @returns {readonly Bucket[]}
 */
function merged(buckets, size, keys) {
  if (size === 1) {
    return buckets;
  }
  return Array.from({ length: Math.ceil(buckets.length / size) }, (_, place) => {
    const part = buckets.slice(place * size, (place + 1) * size);
    const groups = part.flatMap(({ groups: found = [] }) => found);
    return {
      start: part[0].start,
      end: part[part.length - 1].end,
      ...sum(part),
      groups: keys.map((key) => ({ key, ...sum(groups.filter((group) => group.key === key)) })),
    };
  });
}

/** @param {readonly Bucket[]} buckets @returns {import("../../ui/plots.js").Times} */
function times(buckets) {
  return { starts: buckets.map(({ start }) => Date.parse(start)), ends: buckets.map(({ end }) => Date.parse(end)) };
}

/**
 * @param {Trends} trends
 * @param {{ counts: boolean, present: readonly Sentiment[], keys: readonly string[] }} options
 * @returns {import("../../ui/plots.js").Chart}
 */
export function chartOf(trends, { counts: byCount, present, keys }) {
  const size = mergedInto(trends.buckets.length);
  const buckets = merged(trends.buckets, size, keys);
  const done = doneUntil(trends);
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
  /** @type {([number, number] | null)[]} */
  const bands = buckets.map(({ net, counts }) => {
    const half = margin(counts);
    return net === null || half === null ? null : [(net - half) * 100, (net + half) * 100];
  });
  const most = Math.max(...buckets.map(({ total }) => total), 1);
  return {
    read: times(trends.buckets),
    drawn: times(buckets),
    doneUntil: done === trends.buckets.length ? buckets.length : Math.floor(done / size),
    zone: trends.tz,
    panels: [
      {
        head: html`<span>Net <span class="wide">with its 95% interval</span></span>${keys.length === 0 ? nothing : lineLegend(keys)}`,
        height: 176,
        range: netRange(
          lines.flatMap(({ values }) => values),
          bands,
        ),
        label: (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${count(Math.abs(value))}`,
        lines,
        bars: [],
        bands,
      },
      {
        head: html`<span>${byCount ? "Texts" : "Shares"}</span>${barLegend(present, byCount && buckets.some(({ counts }) => counts.unmapped > 0))}`,
        height: 168,
        range: [0, byCount ? most * 1.05 : 1],
        label: byCount
          ? (value) => (Number.isInteger(value) ? compact(value) : "")
          : (value) => `${Math.round(value * 100)}%`,
        lines: [],
        bars,
      },
    ],
  };
}

/** How much of the intervals beyond the lines is shown, in points. */
const ROOM = 30;

/**
 * The range of the net: the lines, their intervals as far as these leave room for the lines, and zero where it is near.
 *
 * @param {(number | null)[]} values
 * @param {([number, number] | null)[]} bands
 * @returns {[number, number]}
 */
function netRange(values, bands) {
  const [low, high] = extent(values);
  if (low > high) {
    return [-100, 100];
  }
  const [bandLow, bandHigh] = extent(bands.flat());
  const bottom = Math.min(low, Math.max(bandLow, low - ROOM)) - 3;
  const top = Math.max(high, Math.min(bandHigh, high + ROOM)) + 3;
  const near = Math.max(top - bottom, 70);
  return [Math.max(bottom > 0 && bottom < near ? -3 : bottom, -103), Math.min(top < 0 && -top < near ? 3 : top, 103)];
}

/** The least and the greatest; the least is greater where there is none. @param {(number | null)[]} values */
function extent(values) {
  const known = values.filter((value) => value !== null);
  return [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
}

/** @param {readonly Sentiment[]} present @param {boolean} unmapped */
function barLegend(present, unmapped) {
  return html`<span class="legend">
    ${[...STACK]
      .reverse()
      .filter((id) => present.includes(id))
      .map((id) => html`<span class="key ${id}"><span class="swatch"></span>${named(id)}</span>`)}
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
