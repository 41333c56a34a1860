// Scopes, ends and actions in words.

import { duration, exact } from "../../core/format.js";

/** Every scope, in the order of the form. @type {readonly (readonly [id: string, words: string])[]} */
export const SCOPES = [
  ["predictions:write", "classify texts"],
  ["predictions:read", "read predictions, trends and the feed"],
  ["predictions:delete", "delete predictions"],
  ["models:read", "list the models"],
  ["keys:admin", "issue and revoke keys of this tenant, read its audit"],
  ["models:write", "load and unload models, for the whole service"],
  ["metrics:read", "read the metrics of the whole service"],
  ["audit:instance", "read the audit of all tenants"],
];

/** @param {string[]} scopes @returns {string[]} such as `predictions: write, read`, one for each kind of thing */
export function grouped(scopes) {
  /** @type {Record<string, string[]>} */
  const groups = {};
  for (const scope of scopes) {
    const [what = "", may = ""] = scope.split(":", 2);
    (groups[what] ??= []).push(may);
  }
  return Object.entries(groups).map(([what, may]) => `${what}: ${may.join(", ")}`);
}

/** @type {Record<string, string>} */
export const ACTIONS = {
  "key.issued": "Key issued",
  "key.replaced": "Key replaced",
  "key.revoked": "Key revoked",
  "model.load": "Model load begun",
  "model.load_failed": "Model load failed",
  "model.unload": "Model unloaded",
  "model.unload_failed": "Model unload failed",
  "tenant.added": "Tenant added",
  "tenant.disabled": "Tenant disabled",
  "tenant.enabled": "Tenant enabled",
  "tenant.erasure_begun": "Erasure of tenant begun",
  "tenant.erased": "Tenant erased",
  "tenant.limited": "Limits of tenant changed",
  "prediction.deleted": "Prediction deleted",
};

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** Ends nearer than this are marked, in seconds. */
const SOON = 14 * 86_400;

/** @param {string | null} time @returns {{ words: string, soon: boolean, title: string }} when a key ends */
export function end(time) {
  if (time === null) {
    return { words: "never", soon: false, title: "" };
  }
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const soon = seconds > 0 && seconds < SOON;
  return { words: soon ? `in ${duration(seconds)}` : DAY.format(Date.parse(time)), soon, title: exact(time) };
}
