// The counts of the API, and what follows from them.

import { SENTIMENTS } from "../../ui/sentiment.js";

/** @typedef {import("../../ui/sentiment.js").Sentiment} Sentiment */
/** @typedef {Record<Sentiment | "unmapped", number>} Counts */
/** @typedef {{ total: number, counts: Counts, net: number | null, mean_confidence: number | null }} Sums */
/** @typedef {Sums & { start: string, end: string, groups?: (Sums & { key: string })[] }} Bucket */
/**
 * `GET /api/v1/analytics/trends`.
 * @typedef {object} Trends
 * @property {Bucket[]} buckets
 * @property {string} bucket their width
 * @property {string | null} complete_until
 * @property {boolean} recounting
 * @property {string} tz
 */

/** How many predictions have a sentiment. @param {Counts} counts */
export function mapped(counts) {
  return counts.negative + counts.neutral + counts.positive + counts.mixed;
}

/**
 * The share of a sentiment among the predictions that have one; null where none has.
 *
 * @param {Counts} counts
 * @param {Sentiment} sentiment
 */
export function share(counts, sentiment) {
  const all = mapped(counts);
  return all === 0 ? null : counts[sentiment] / all;
}

/** Several together. @param {readonly Sums[]} buckets @returns {Sums} */
export function sum(buckets) {
  const counts = { negative: 0, neutral: 0, positive: 0, mixed: 0, unmapped: 0 };
  let total = 0;
  let confident = 0;
  let confidence = 0;
  for (const bucket of buckets) {
    total += bucket.total;
    for (const id of /** @type {(keyof typeof counts)[]} */ (Object.keys(counts))) {
      counts[id] += bucket.counts[id];
    }
    if (bucket.mean_confidence !== null) {
      const weight = mapped(bucket.counts);
      confident += weight;
      confidence += bucket.mean_confidence * weight;
    }
  }
  const all = mapped(counts);
  return {
    total,
    counts,
    net: all === 0 ? null : (counts.positive - counts.negative) / all,
    mean_confidence: confident === 0 ? null : confidence / confident,
  };
}

/**
 * Half of the 95% interval of the net, between 0 and 1; null where there is no net. It counts one text more of each
 * kind, so that few texts that agree are not taken for certain.
 *
 * @param {Counts} counts
 */
export function margin(counts) {
  const n = mapped(counts) + 3;
  const [positive, negative] = [(counts.positive + 1) / n, (counts.negative + 1) / n];
  return n === 3 ? null : 1.96 * Math.sqrt((positive + negative - (positive - negative) ** 2) / n);
}

/** The index of the first bucket that is not complete. @param {Trends} trends @param {number} [now] */
export function doneUntil({ buckets, complete_until: until }, now = Date.now()) {
  const done = until === null ? 0 : Math.min(Date.parse(until), now);
  const index = buckets.findIndex(({ end }) => Date.parse(end) > done);
  return index === -1 ? buckets.length : index;
}

/**
 * The sentiments that a range has, in the order in which they are shown: mixed only where there is any.
 *
 * @param {readonly Bucket[]} buckets
 */
export function presentIn(buckets) {
  const ids = SENTIMENTS.map(({ id }) => id);
  return ids.filter((id) => id !== "mixed" || buckets.some(({ counts }) => counts.mixed > 0));
}
