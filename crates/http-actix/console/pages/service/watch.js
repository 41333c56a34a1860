// Reads `/metrics` every five seconds while the page is open and visible. The readings of the last ten minutes stay.

import { ApiError, isAborted, send } from "../../core/api.js";
import { health } from "../../core/health.js";
import { between, parse } from "./metrics.js";

/** @typedef {import("./metrics.js").Reading} Reading */
/** @typedef {import("./metrics.js").Span} Span */

/** In milliseconds. */
export const EVERY = 5_000;

/** How long readings stay, in milliseconds. */
export const SHOWN = 10 * 60_000;

/** Readings further apart than this have a gap between them. */
const GAP = 2.5 * EVERY;

/** The time of the large figures, in milliseconds. */
const LATELY = 60_000;

/** @type {Reading[]} */
let readings = [];

/**
 * Where the metrics are: on the operators' listener, closed for this caller, or here.
 * @type {{ state: "unknown" | "here" | "elsewhere" | "closed", error: unknown }}
 */
export const metrics = { state: "unknown", error: null };

/** @param {() => void} changed called after each reading @returns {() => void} ends it */
export function watch(changed) {
  const stop = new AbortController();
  void run(stop.signal, changed);
  return () => stop.abort();
}

/** @param {AbortSignal} signal @param {() => void} changed */
async function run(signal, changed) {
  // What was closed is asked for again only on demand: browsers report each refused request as an error.
  while (!signal.aborted && metrics.state !== "closed") {
    if (health.report && !health.report.components) {
      // The public listener reports the status only where operators have a listener of their own, which has the metrics.
      metrics.state = "elsewhere";
    } else if (!document.hidden && (health.report || health.state === "unreachable")) {
      await read(signal);
    }
    changed();
    if (metrics.state === "elsewhere") {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, health.report ? EVERY : 200));
  }
}

/** @param {AbortSignal} signal */
async function read(signal) {
  try {
    const response = await send("GET", "metrics", { quiet: true, signal: AbortSignal.any([signal, AbortSignal.timeout(EVERY)]) });
    const text = await response.text();
    const now = Date.now();
    readings = [...readings.filter(({ at }) => at > now - SHOWN - EVERY), parse(text, now)];
    metrics.state = "here";
    metrics.error = null;
  } catch (error) {
    if (signal.aborted || isAborted(error)) {
      return;
    }
    const status = error instanceof ApiError ? error.status : 0;
    metrics.state = status === 404 ? "elsewhere" : status === 401 || status === 403 ? "closed" : metrics.state;
    metrics.error = error;
  }
}

/** @returns {Reading | undefined} the latest */
export function latest() {
  return readings.at(-1);
}

/** @returns {Span | null} the last minute, or as much of it as was watched without a gap */
export function lately() {
  const last = readings.at(-1);
  let first = last;
  for (let place = readings.length - 2; last && first && place >= 0; place -= 1) {
    const reading = /** @type {Reading} */ (readings[place]);
    if (first.at - reading.at > GAP || last.at - reading.at > LATELY + EVERY / 2) {
      break;
    }
    first = reading;
  }
  return last && first && first !== last ? between(first, last) : null;
}

/** @returns {{ at: number, span: Span | null }[]} each interval between readings; null for a gap */
export function intervals() {
  return readings.slice(1).map((to, place) => {
    const from = /** @type {Reading} */ (readings[place]);
    return { at: to.at, span: to.at - from.at > GAP ? null : between(from, to) };
  });
}

/** @returns {{ at: number, span: Span }[]} each minute of the last ten of which there are readings, the latest first */
export function minutes() {
  /** @type {Map<number, Reading[]>} */
  const groups = new Map();
  for (const [place, reading] of readings.entries()) {
    const minute = Math.floor(reading.at / 60_000);
    const before = readings[place - 1];
    const group = groups.get(minute) ?? (before && reading.at - before.at <= GAP ? [before] : []);
    groups.set(minute, [...group, reading]);
  }
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([minute, group]) => ({ at: minute * 60_000, span: between(/** @type {Reading} */ (group[0]), /** @type {Reading} */ (group.at(-1))) }))
    .reverse();
}
