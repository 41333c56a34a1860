// Readings of `/metrics` (the text format of Prometheus), and what two of them say about the time between.

/**
 * A histogram: how many observations were at most `bounds[i]`, in `counts[i]`; the last bound is infinite.
 * @typedef {{ bounds: number[], counts: number[] }} Histogram
 */

/**
 * What the page needs of a reading.
 * @typedef {object} Reading
 * @property {number} at in milliseconds
 * @property {Record<string, number>} sums counters and gauges
 * @property {{ requests: Histogram, commits: Histogram }} histograms
 */

/** Sums of all series of a metric. */
const SUMS = new Set([
  "undertone_predictions_total",
  "undertone_queue_depth",
  "undertone_queue_tokens",
  "cache_hits_total",
  "cache_misses_total",
  "cache_entries",
  "cache_bytes",
  "undertone_saturated_total",
  "undertone_internal_errors_total",
]);

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:\\.|[^"\\])*)"/g;

/** @param {string} text @param {number} at @returns {Reading} */
export function parse(text, at) {
  /** @type {Record<string, number>} */
  const sums = {};
  /** @type {Record<"requests" | "commits", Map<number, number>>} */
  const buckets = { requests: new Map(), commits: new Map() };
  const add = (/** @type {string} */ name, /** @type {number} */ value) => (sums[name] = (sums[name] ?? 0) + value);
  for (const line of text.split("\n")) {
    const [, name = "", list = "", number = ""] = line.match(LINE) ?? [];
    const value = Number(number);
    if (SUMS.has(name)) {
      add(name, value);
    } else if (name === "http_requests_total") {
      const { status_code: status = "" } = labels(list);
      add(status.startsWith("5") ? "responses_5xx" : status === "429" ? "responses_429" : "responses_other", value);
    } else if (name.endsWith("_seconds_bucket")) {
      const of = labels(list);
      const kind = histogramOf(name, of);
      if (kind) {
        const bound = of.le === "+Inf" ? Infinity : Number(of.le);
        buckets[kind].set(bound, (buckets[kind].get(bound) ?? 0) + value);
      }
    }
  }
  const histogram = (/** @type {Map<number, number>} */ found) => {
    const bounds = [...found.keys()].sort((a, b) => a - b);
    return { bounds, counts: bounds.map((bound) => found.get(bound) ?? 0) };
  };
  return { at, sums, histograms: { requests: histogram(buckets.requests), commits: histogram(buckets.commits) } };
}

/** @param {string} list @returns {Record<string, string>} */
function labels(list) {
  return Object.fromEntries([...list.matchAll(LABEL)].map(([, name, value]) => [name, value]));
}

/** @param {string} name @param {Record<string, string>} of @returns {"requests" | "commits" | null} */
function histogramOf(name, of) {
  if (name === "http_request_duration_seconds_bucket") {
    return of.method === "POST" && /\/predictions(\/batch)?$/.test(of.endpoint ?? "") ? "requests" : null;
  }
  if (name === "db_query_duration_seconds_bucket") {
    return of.query_type === "write_group" ? "commits" : null;
  }
  return null;
}

/**
 * What happened between two readings; null for what there was none of.
 * @typedef {object} Span
 * @property {number} seconds
 * @property {number} answers
 * @property {number} rate answers per second
 * @property {number} requests how many the quantiles are estimated from
 * @property {number | null} p50 in seconds
 * @property {number | null} p99
 * @property {number} queue texts that wait, at the second reading
 * @property {number | null} hits the share of texts that came from the cache
 * @property {number} lookups
 * @property {number} commits
 * @property {number | null} commit the 99th percentile of a commit
 * @property {number} failed responses of 5xx
 * @property {number} refused responses of 429
 */

/** @param {Reading} from @param {Reading} to @returns {Span} */
export function between(from, to) {
  const seconds = (to.at - from.at) / 1000;
  const more = (/** @type {string} */ name) => grown(from.sums[name], to.sums[name]);
  const answers = more("undertone_predictions_total");
  const hits = more("cache_hits_total");
  const lookups = hits + more("cache_misses_total");
  const requests = difference(from.histograms.requests, to.histograms.requests);
  const commits = difference(from.histograms.commits, to.histograms.commits);
  return {
    seconds,
    answers,
    rate: answers / seconds,
    requests: total(requests),
    p50: quantile(0.5, requests),
    p99: quantile(0.99, requests),
    queue: to.sums.undertone_queue_depth ?? 0,
    hits: lookups > 0 ? hits / lookups : null,
    lookups,
    commits: total(commits),
    commit: quantile(0.99, commits),
    failed: more("responses_5xx"),
    refused: more("responses_429"),
  };
}

/** How much a counter grew; one that is smaller than before began again at zero. @param {number | undefined} from @param {number | undefined} to */
function grown(from = 0, to = 0) {
  return to < from ? to : to - from;
}

/** @param {Histogram} from @param {Histogram} to @returns {Histogram} */
function difference(from, to) {
  const restarted = total(to) < total(from);
  const before = (/** @type {number} */ bound) => (restarted ? 0 : (from.counts[from.bounds.indexOf(bound)] ?? 0));
  return { bounds: to.bounds, counts: to.counts.map((count, place) => count - before(to.bounds[place] ?? 0)) };
}

/** @param {Histogram} histogram @returns {number} */
function total({ counts }) {
  return counts.at(-1) ?? 0;
}

/**
 * Estimates a quantile by a straight line within its bucket, as Prometheus does.
 *
 * @param {number} q @param {Histogram} histogram
 * @returns {number | null} infinite where it is beyond the last finite bound
 */
export function quantile(q, { bounds, counts }) {
  const all = counts.at(-1) ?? 0;
  if (all === 0) {
    return null;
  }
  const rank = q * all;
  const place = counts.findIndex((count) => count >= rank);
  const upper = bounds[place] ?? Infinity;
  if (upper === Infinity) {
    return Infinity;
  }
  const lower = place === 0 ? 0 : (bounds[place - 1] ?? 0);
  const below = place === 0 ? 0 : (counts[place - 1] ?? 0);
  return lower + ((upper - lower) * (rank - below)) / ((counts[place] ?? 0) - below);
}

/** The last finite bound, for a quantile beyond it. */
export const BEYOND = "over 10 s";
