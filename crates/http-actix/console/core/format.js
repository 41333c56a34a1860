// Numbers, shares and times as the console writes them.

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_AND_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** @param {number} value @returns {string} such as `12,284` */
export function count(value) {
  return COUNT.format(value);
}

/** @param {number} value @returns {string} such as `12.3K` */
export function compact(value) {
  return COMPACT.format(value);
}

/**
 * @param {number | null | undefined} share between 0 and 1
 * @param {number} [digits]
 * @returns {string} such as `93.0%`; an en dash where there is none
 */
export function percent(share, digits = 1) {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)}%`;
}

/** @param {number | null | undefined} value between −1 and 1 @returns {string} in points, such as `+12.5` */
export function points(value) {
  if (value === null || value === undefined) {
    return "–";
  }
  const rounded = (Math.abs(value) * 100).toFixed(1);
  return `${rounded === "0.0" ? "" : value > 0 ? "+" : "−"}${rounded}`;
}

/** @param {number} bytes @returns {string} in decimal units, such as `86.2 MB` */
export function bytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** @param {number} seconds @returns {string} such as `3 d 4 h` or `41 s` */
export function duration(seconds) {
  const parts = /** @type {const} */ ([
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ]);
  const first = parts.findIndex(([, size]) => seconds >= size);
  if (first === -1) {
    return seconds === 0 ? "0 s" : "under 1 s";
  }
  const [unit, size] = parts[first] ?? parts[3];
  const whole = Math.floor(seconds / size);
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds - whole * size) / next[1]) : 0;
  return next && rest > 0 ? `${whole} ${unit} ${rest} ${next[0]}` : `${whole} ${unit}`;
}

/** @param {number} seconds @returns {string} such as `4.2 ms` */
export function milliseconds(seconds) {
  const value = seconds * 1000;
  return `${value < 10 ? value.toFixed(1) : COUNT.format(value)} ms`;
}

/** @param {string} time RFC 3339 @param {number} [now] @returns {string} such as `4 min ago` */
export function ago(time, now = Date.now()) {
  const then = Date.parse(time);
  const seconds = Math.round((now - then) / 1000);
  if (seconds < 5) {
    return seconds < -5 ? exact(time) : "now";
  }
  if (seconds < 60) {
    return `${seconds} s ago`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ago`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ago`;
  }
  return seconds < 300 * 86_400 ? DAY.format(then) : DAY_AND_YEAR.format(then);
}

/** @param {string} time RFC 3339 @returns {string} in the browser's time zone, to the second */
export function exact(time) {
  return EXACT.format(Date.parse(time));
}

/** @param {number} n @param {string} one @param {string} [many] @returns {string} such as `1 text`, `2 texts` */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}
