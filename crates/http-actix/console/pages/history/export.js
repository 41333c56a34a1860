// A file of the predictions in the list, as the service sends it: into a file where the browser can, else into memory.

import { isAborted, send } from "../../core/api.js";
import { bytes, count } from "../../core/format.js";
import { announce, host } from "../../ui/toasts.js";

/** @typedef {"csv" | "jsonl"} Format */

/**
 * Where the parts of a file go.
 * @typedef {object} Target
 * @property {boolean} inMemory
 * @property {(part: Uint8Array<ArrayBuffer>) => Promise<void> | void} write
 * @property {() => Promise<void>} finish
 * @property {() => Promise<void> | void} abandon
 */

/** Beyond how many bytes in memory the command line is the better way. */
const MUCH = 200_000_000;

const TYPES = { csv: "text/csv", jsonl: "application/x-ndjson" };

const LINE_FEED = 10;
const QUOTE = 34;

/** The export that runs or ran last; it goes on while other pages are open. */
export const run = {
  /** @type {"none" | "running" | "done" | "failed"} */
  state: "none",
  /** @type {Format} */
  format: "csv",
  /** @type {Record<string, string>} */
  filters: {},
  rows: 0,
  bytes: 0,
  inMemory: false,
  /** @type {unknown} */
  error: null,
};

let stop = new AbortController();

/** Whether the tab holds so much that the command line is the better way. */
export function isMuch() {
  return run.inMemory && run.bytes > MUCH;
}

/** Ends the export that runs. */
export function cancelExport() {
  stop.abort();
}

/** Removes what is shown of the last export. */
export function closeExport() {
  run.state = "none";
  host.redraw();
}

/** @param {Format} format @param {Record<string, string>} filters */
export async function startExport(format, filters) {
  if (run.state === "running") {
    return;
  }
  /** @type {Target | null} */
  let target = null;
  try {
    target = await choose(format);
    stop = new AbortController();
    Object.assign(run, { state: "running", format, filters, rows: 0, bytes: 0, inMemory: target.inMemory, error: null });
    host.redraw();
    await copy(target);
    await target.finish();
    run.state = "done";
    announce(`The export is complete: ${count(run.rows)} rows, ${bytes(run.bytes)}.`);
  } catch (error) {
    await target?.abandon();
    // An aborted choice of a file leaves the last export as it is shown.
    if (target) {
      run.state = isAborted(error) ? "none" : "failed";
      announce(isAborted(error) ? "The export is cancelled." : "");
      run.error = error;
    } else if (!isAborted(error)) {
      Object.assign(run, { state: "failed", error });
    }
  }
  host.redraw();
}

/** @param {Target} target */
async function copy(target) {
  const query = { ...run.filters, format: run.format };
  const response = await send("GET", "api/v1/predictions/export", { query, signal: stop.signal });
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
  const lines = lineCounter(run.format === "csv");
  let shown = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    run.bytes += part.value.length;
    // The header of CSV and the last line of JSON lines are no rows.
    run.rows = Math.max(0, lines(part.value) - 1);
    await target.write(part.value);
    if (performance.now() - shown > 200) {
      shown = performance.now();
      host.redraw();
    }
  }
}

/**
 * @param {boolean} quoted whether line feeds within quotes are no ends of lines
 * @returns {(part: Uint8Array) => number} takes the next part and returns the lines so far
 */
export function lineCounter(quoted) {
  let lines = 0;
  let inQuotes = false;
  return (part) => {
    for (let place = 0; place < part.length; place += 1) {
      if (part[place] === LINE_FEED) {
        lines += inQuotes ? 0 : 1;
      } else if (quoted && part[place] === QUOTE) {
        inQuotes = !inQuotes;
      }
    }
    return lines;
  };
}

/** @param {Format} format @returns {Promise<Target>} */
async function choose(format) {
  const name = `predictions-${new Date().toISOString().slice(0, 10)}.${format}`;
  if (!("showSaveFilePicker" in window)) {
    return inMemory(name, TYPES[format]);
  }
  const types = [{ accept: { [TYPES[format]]: [`.${format}`] } }];
  const handle = await /** @type {any} */ (window).showSaveFilePicker({ suggestedName: name, types });
  const file = await handle.createWritable();
  return {
    inMemory: false,
    write: (part) => file.write(part),
    finish: () => file.close(),
    abandon: () => file.abort().catch(() => {}),
  };
}

/** @param {string} name @param {string} type @returns {Target} */
function inMemory(name, type) {
  /** @type {Blob[]} */
  let blobs = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  let parts = [];
  let size = 0;
  // Browsers can move blobs to the disk, other memory they cannot.
  const pack = () => {
    blobs.push(new Blob(parts));
    [parts, size] = [[], 0];
  };
  return {
    inMemory: true,
    write: (part) => {
      parts.push(part);
      size += part.length;
      if (size > 16_000_000) {
        pack();
      }
    },
    finish: async () => {
      pack();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(blobs, { type }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    },
    abandon: () => {
      blobs = [];
      parts = [];
    },
  };
}

/** The options of `undertone export` by the filters' names. @type {Record<string, string>} */
const OPTIONS = {
  sentiment: "sentiment",
  model: "model-name",
  ref: "ref",
  from: "from",
  to: "to",
  min_confidence: "min-confidence",
  max_confidence: "max-confidence",
  q: "query",
};

/**
 * @param {Format} format
 * @param {Record<string, string>} filters
 * @param {string} tenant
 * @returns {string} the command that writes the same file on the service's machine
 */
export function exportCommand(format, filters, tenant) {
  const options = { ...(tenant === "default" ? {} : { tenant }) };
  for (const [name, value] of Object.entries(filters)) {
    Object.assign(options, { [OPTIONS[name] ?? name]: value });
  }
  // With an equals sign, since a value may begin with a hyphen.
  const written = Object.entries(options).map(([name, value]) => ` --${name}=${quoted(value)}`);
  return `undertone export --output predictions.${format}${written.join("")}`;
}

/** @param {string} value @returns {string} for a shell */
function quoted(value) {
  return /^[\w.:@%+,/-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
