// What the page says of the list: how much of it was read, and why there is none.

import { html } from "../../vendor/lit-html/lit-html.js";
import { address } from "../../core/api.js";
import { count, plural } from "../../core/format.js";
import { href } from "../../core/router.js";
import { copyButton } from "../../ui/copy.js";
import { empty } from "../../ui/states.js";
import { PAGE_SIZE } from "./rows.js";

/** @param {import("./rows.js").Rows} rows @param {string} live whether the list is live @returns {string} */
export function readSoFar({ count: read, next, starting }, live) {
  if (next === undefined) {
    return "\u00a0";
  }
  const all = `${plural(read, "prediction")} in all`;
  return `${next ? `The newest ${count(read)} read` : all} · ${starting ? "reading…" : live}`;
}

/** @param {number} waiting rows above the list @param {boolean} gap whether there may be more @returns {string} */
export function above(waiting, gap) {
  return gap ? "Read again: events were missed" : `${count(waiting)}${waiting >= PAGE_SIZE ? " or more" : ""} new`;
}

/** @param {import("../../types.d.ts").Context} context */
export function noneStored({ me, can }) {
  const key = me.authentication === "none" ? "" : ` -H "Authorization: Bearer $KEY"`;
  const curl = `curl ${address("api/v1/predictions")}${key} -H "Content-Type: application/json" -d '{"text": "I love it"}'`;
  return empty(
    "No predictions yet",
    html`Every text that is classified is listed here, as it happens.
    ${can("predictions:write") ? html`<a href=${href("try")}>Try a text</a>, or send one:` : "Send one with a key that may:"}`,
    html`<pre class="command">${curl}</pre>
      ${copyButton(curl)}`,
  );
}

/** @param {() => void} clear */
export function noneMatches(clear) {
  return empty(
    "Nothing matches these filters",
    "No stored prediction meets all of them. Words match only as a whole, in upper or lower case.",
    html`<button class="button" @click=${clear}>Clear filters</button>`,
  );
}
