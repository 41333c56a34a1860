// What the page says in words: what is not complete in the chart, and why there is nothing.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { href } from "../../core/router.js";
import { focusNext } from "../../ui/focus.js";
import { empty } from "../../ui/states.js";
import { mergedInto } from "./panels.js";
import { bounds } from "./query.js";
import { minute } from "./times.js";

/** @typedef {import("./query.js").Query} Query */

const CHART = "[role=slider]";

/** How far counting may lag before the page says so, in milliseconds. */
const LAG = 120_000;

/** How much before the newest text a range begins that shows it, in milliseconds. */
const WEEK = 7 * 86_400_000;

/**
 * What to know about the chart.
 *
 * @param {import("./figures.js").Trends} trends
 * @param {Query} query
 * @param {number} doneUntil
 */
export function notes({ buckets, complete_until: until, recounting, tz }, query, doneUntil) {
  const said = [];
  if (recounting) {
    said.push(
      "A part of this range is being counted again, as after an update: its figures may change until that is done.",
    );
  }
  if (until === null) {
    said.push("The service has not finished counting: all figures may still grow.");
  } else if (Math.min(bounds(query).to, Date.now()) - Date.parse(until) > LAG) {
    said.push(`Complete until ${minute(Date.parse(until), tz)}: what is pale or dotted is still being counted.`);
  } else if (doneUntil < buckets.length) {
    said.push("What is pale or dotted is not over yet.");
  }
  const size = mergedInto(buckets.length);
  if (size > 1) {
    said.push(`Each bar and point stands for ${size} buckets, which the keys and the pointer read one by one.`);
  }
  if (query.key !== "") {
    said.push("History has no filter by metadata: it shows all texts of a time.");
  }
  return said.join(" ");
}

/**
 * A range without texts: why, and what to do.
 *
 * @param {Query} query
 * @param {object} options
 * @param {{ created_at: string } | null | undefined} options.newest the newest prediction of all
 * @param {boolean} options.canWrite
 * @param {(part: Partial<Query>) => void} options.change
 */
export function emptyRange(query, { newest, canWrite, change }) {
  if (query.model || query.key) {
    const all = () => change({ model: "", key: "", value: "" });
    return empty(
      "No text matches the filters",
      "In this range no text has this model and metadata.",
      html`<button class="button" @click=${() => (focusNext(CHART), all())}>Remove the filters</button>`,
    );
  }
  if (newest) {
    const time = Date.parse(newest.created_at);
    const show = () =>
      change({
        range: null,
        from: new Date(time - WEEK).toISOString(),
        to: new Date(time + 60_000).toISOString(),
        bucket: "",
      });
    const text = `The newest text is of ${minute(time, query.tz)}. Texts appear here a few seconds after they were classified.`;
    return empty(
      "No texts in this range",
      text,
      html`<button class="button" @click=${() => (focusNext(CHART), show())}>Show the week before it</button>`,
    );
  }
  const text = `As soon as texts are classified, ${canWrite ? "here or with the API, " : ""}this page shows how their sentiments develop.`;
  return empty(
    "Nothing is counted yet",
    text,
    canWrite ? html`<a class="button" href=${href("try")}>Classify a text</a>` : nothing,
  );
}
