// Models that are being loaded. They are here and not in the page, so that they go on while another page is open.

import { ApiError, request } from "../../core/api.js";
import { toast } from "../../ui/toasts.js";

/**
 * @typedef {object} Draft what the form has
 * @property {string} name
 * @property {string} path
 * @property {string} precision
 * @property {string} device
 * @property {"auto" | "raw" | "table"} labels
 * @property {{ label: string, sentiment: string }[]} table
 * @property {Record<string, string>} numbers by member of the request
 */

/** @typedef {{ draft: Draft, since: number, error: unknown }} Pending `error` is null while the model loads */

/** By the name of the model. @type {Map<string, Pending>} */
export const pending = new Map();

/** Called after each change. @type {Set<() => void>} */
export const observers = new Set();

/** Whether an answer has said that the configuration does not allow changes. */
export const turnedOff = { found: false };

/** Loading may take minutes, and the download of a model longer. */
const TIMEOUT = 6 * 3_600_000;

/** The members that are numbers. */
export const NUMBERS = /** @type {const} */ (["window", "overlap", "threads", "max_batch_tokens", "max_queue_tokens", "max_queue_items"]);

/** @param {Draft} draft @returns {Record<string, unknown>} the body of the request */
function body(draft) {
  const table = draft.table.filter(({ label, sentiment }) => label !== "" && sentiment !== "");
  const numbers = NUMBERS.filter((name) => draft.numbers[name]).map((name) => [name, Number(draft.numbers[name])]);
  return {
    path: draft.path,
    ...(draft.precision === "auto" ? {} : { precision: draft.precision }),
    ...(draft.device === "" ? {} : { device: draft.device }),
    ...(draft.labels === "raw" ? { labels: "raw" } : {}),
    ...(draft.labels === "table" ? { labels: Object.fromEntries(table.map(({ label, sentiment }) => [label, sentiment])) } : {}),
    ...Object.fromEntries(numbers),
  };
}

/** @param {Draft} draft @returns {Promise<boolean>} whether the model is served; `pending` has the error if not */
export async function load(draft) {
  const { name } = draft;
  pending.set(name, { draft, since: Date.now(), error: null });
  changed();
  try {
    await request("POST", `api/v1/models/${encodeURIComponent(name)}`, { body: body(draft), timeout: TIMEOUT });
    pending.delete(name);
    toast(`The model ${name} is served.`);
    return true;
  } catch (error) {
    noteTurnedOff(error);
    pending.set(name, { draft, since: Date.now(), error });
    return false;
  } finally {
    changed();
  }
}

/** @param {string} name */
export async function unload(name) {
  try {
    await request("DELETE", `api/v1/models/${encodeURIComponent(name)}`);
  } catch (error) {
    noteTurnedOff(error);
    throw error;
  }
  toast(`The model ${name} is no longer served.`);
  changed();
}

/** Removes a load that failed. @param {string} name */
export function dismiss(name) {
  pending.delete(name);
  changed();
}

/** @param {unknown} error @returns {boolean} whether the configuration does not allow changes of models */
export function isTurnedOff(error) {
  return error instanceof ApiError && error.code === "turned_off";
}

/** @param {unknown} error */
function noteTurnedOff(error) {
  turnedOff.found ||= isTurnedOff(error);
}

function changed() {
  for (const observer of observers) {
    observer();
  }
}
