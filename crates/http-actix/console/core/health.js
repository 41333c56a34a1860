// The state of the service for the rail: asked for every few seconds, less often while the tab is hidden.

/** @typedef {{ name: string, status: string, message: string | null, latency_ms: number | null }} Component */
/** @typedef {{ status: string, components?: Component[], version?: string, uptime_seconds?: number }} Health */

/** @type {{ state: "unknown" | "ready" | "degraded" | "unreachable", words: string, report: Health | null, at: number }} */
export const health = { state: "unknown", words: "asking…", report: null, at: 0 };

/**
 * Since when each component has been as it is, as far as this console has seen it; `changed` where it saw the change.
 * @type {Map<string, { status: string, since: number, changed: boolean }>}
 */
export const seen = new Map();

/** @type {Set<() => void>} */
const observers = new Set();

const EVERY = 5_000;

/** @param {() => void} observer called after each answer @returns {() => void} ends it */
export function observeHealth(observer) {
  observers.add(observer);
  return () => observers.delete(observer);
}

/** Asks now and again and again. */
export async function watchHealth() {
  for (;;) {
    if (!document.hidden || health.state === "unknown") {
      await ask();
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

/** Asks once. */
export async function ask() {
  try {
    const url = new URL("../health", document.baseURI);
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(EVERY) });
    /** @type {Health} */
    const report = await response.json();
    const ill = (report.components ?? []).filter(({ status }) => status !== "healthy").map(({ name }) => name);
    const ready = report.status === "healthy";
    health.state = ready ? "ready" : "degraded";
    health.words = ready ? "ready" : `${report.status}${ill.length > 0 ? `: ${ill.join(", ")}` : ""}`;
    health.report = report;
    for (const { name, status } of report.components ?? []) {
      const before = seen.get(name);
      if (before?.status !== status) {
        seen.set(name, { status, since: Date.now(), changed: before !== undefined });
      }
    }
  } catch {
    health.state = "unreachable";
    health.words = "not reachable, retrying";
  }
  health.at = Date.now();
  for (const observer of observers) {
    observer();
  }
}
