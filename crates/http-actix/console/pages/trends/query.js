// What the page shows, as its address says it, and as the API asks for it.

/**
 * @typedef {object} Query
 * @property {string | null} range one of `RANGES`; null where `from` and `to` are given
 * @property {string} from RFC 3339; empty where the range is one of `RANGES`
 * @property {string} to RFC 3339; empty for a range that ends now
 * @property {string} bucket empty for the service's choice
 * @property {string} tz IANA name
 * @property {string} model empty for all
 * @property {string} key of the metadata value that is counted alone; empty for all predictions
 * @property {string} value
 * @property {string} by what the breakdown compares: `model` or `metadata.KEY`
 * @property {boolean} lines whether the groups have lines in the chart
 * @property {boolean} counts whether bars are as high as their counts
 * @property {boolean} table
 * @property {"" | "rest" | "previous"} terms what terms are compared with; empty without terms
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The ranges to choose from; all end now. */
export const RANGES = [
  { id: "24h", title: "24 h", words: "the last 24 hours", length: DAY },
  { id: "7d", title: "7 d", words: "the last 7 days", length: 7 * DAY },
  { id: "30d", title: "30 d", words: "the last 30 days", length: 30 * DAY },
  { id: "90d", title: "90 d", words: "the last 90 days", length: 90 * DAY },
];

const WEEK = RANGES[1];

/** The widths of buckets. */
export const BUCKETS = [
  { id: "15m", title: "15 minutes", one: "a quarter of an hour", length: HOUR / 4 },
  { id: "1h", title: "1 hour", one: "an hour", length: HOUR },
  { id: "1d", title: "1 day", one: "a day", length: DAY },
  { id: "1w", title: "1 week", one: "a week", length: 7 * DAY },
  { id: "1mo", title: "1 month", one: "a month", length: 30 * DAY },
];

/** The most buckets that a range may have. */
const MAX_BUCKETS = 9_999;

/** The browser's time zone. */
export const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** @param {URLSearchParams} params @returns {Query} */
export function read(params) {
  const get = (/** @type {string} */ name) => params.get(name) ?? "";
  const [from, to] = [moment(get("from")), moment(get("to"))];
  const terms = get("terms");
  const by = get("by");
  return {
    range: from || to ? null : (RANGES.find(({ id }) => id === get("range")) ?? WEEK).id,
    from,
    to,
    bucket: BUCKETS.some(({ id }) => id === get("bucket")) ? get("bucket") : "",
    tz: isZone(get("tz")) ? get("tz") : LOCAL_ZONE,
    model: get("model"),
    key: get("value") === "" ? "" : get("key"),
    value: get("key") === "" ? "" : get("value"),
    by: by.startsWith("metadata.") && by.length > 9 ? by : "model",
    lines: get("lines") === "1",
    counts: get("show") === "counts",
    table: get("table") === "1",
    terms: terms === "rest" || terms === "previous" ? terms : "",
  };
}

/** The address of `query`: what is as by default is left out. @param {Query} query @returns {Record<string, string>} */
export function write(query) {
  const params = {
    range: query.range === WEEK.id ? "" : query.range,
    from: query.range ? "" : query.from,
    to: query.range ? "" : query.to,
    bucket: query.bucket,
    tz: query.tz === LOCAL_ZONE ? "" : query.tz,
    model: query.model,
    key: query.key,
    value: query.value,
    by: query.by === "model" ? "" : query.by,
    lines: query.lines ? "1" : "",
    show: query.counts ? "counts" : "",
    table: query.table ? "1" : "",
    terms: query.terms,
  };
  return Object.fromEntries(Object.entries(params).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Where the range begins and ends, in milliseconds. @param {Query} query @param {number} [now] */
export function bounds(query, now = Date.now()) {
  const to = query.to ? Date.parse(query.to) : now;
  const length = (RANGES.find(({ id }) => id === query.range) ?? WEEK).length;
  return { from: query.from ? Date.parse(query.from) : to - length, to };
}

/** Whether the range ends now, and so goes on. @param {Query} query */
export function isLive(query) {
  return query.to === "" || Date.parse(query.to) > Date.now();
}

/**
 * `from` and `to` for the trends: as the service adds what is missing of the first and the last bucket, a range that
 * ends now has the present bucket and those before it.
 *
 * @param {Query} query
 * @returns {Record<string, string>}
 */
function span(query) {
  if (query.range === null) {
    return query.to ? { from: query.from, to: query.to } : { from: query.from };
  }
  const { from, to } = bounds(query);
  const width = BUCKETS.find(({ id }) => id === query.bucket)?.length ?? (query.range === "24h" ? HOUR : DAY);
  return { from: new Date(from + (width <= DAY && width < to - from ? width : 0)).toISOString() };
}

/**
 * `from` and `to` of the buckets that the chart has, so that the whole page counts the same texts.
 *
 * @param {Query} query
 * @param {readonly { start: string, end: string }[]} buckets
 * @returns {Record<string, string>}
 */
export function edges(query, buckets) {
  const from = buckets[0]?.start ?? span(query).from;
  const end = buckets[buckets.length - 1]?.end ?? query.to;
  return isLive(query) ? { from } : { from, to: end };
}

/** The parameters of the trends. @param {Query} query @returns {Record<string, string>} */
export function trendsParams(query) {
  return {
    ...span(query),
    bucket: query.bucket,
    tz: query.tz,
    model: query.model,
    by: drawsLines(query) ? query.by : "",
    ...(query.key === "" ? {} : { [`metadata.${query.key}`]: query.value }),
  };
}

/** Whether groups can have lines: the API does not group by one key what another one selects. @param {Query} query */
export function drawsLines(query) {
  return query.lines && (query.by === "model" || query.key === "");
}

/**
 * The parameters with which History shows what a part of the chart counts.
 *
 * @param {Query} query
 * @param {{ from: string, to?: string, sentiment?: string, model?: string, q?: string }} part
 */
export function historyParams(query, part) {
  const { from, to = "", sentiment = "", model = query.model, q = "" } = part;
  return Object.fromEntries(Object.entries({ from, to, sentiment, model, q }).filter(([, value]) => value !== ""));
}

/**
 * The widths that a range can have: neither too many buckets, nor one that is longer than the range.
 *
 * @param {Query} query
 */
export function possibleBuckets(query) {
  const { from, to } = bounds(query);
  return BUCKETS.filter(
    ({ id, length }) => id === query.bucket || ((to - from) / length < MAX_BUCKETS - 1 && length < to - from),
  );
}

/** The range in words. @param {Query} query */
export function rangeWords(query) {
  return RANGES.find(({ id }) => id === query.range)?.words ?? "the chosen range";
}

/** @param {string} text @returns {string} RFC 3339 in UTC; empty where it is no time */
function moment(text) {
  const time = Date.parse(text);
  return Number.isNaN(time) ? "" : new Date(time).toISOString();
}

/** @param {string} name */
function isZone(name) {
  try {
    return name !== "" && Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}
