// The keys of the tenant.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { ago, count, exact } from "../../core/format.js";
import { end, grouped } from "./words.js";

/** @typedef {{ per_second: number, burst: number }} Rate */

/**
 * @typedef {object} Key
 * @property {string} id
 * @property {string | null} name
 * @property {string[]} scopes
 * @property {{ requests: Rate | null, texts: Rate | null, concurrent: number | null, texts_per_day: number | null } | null} limits
 * @property {"active" | "expired" | "revoked"} status
 * @property {string} created_at
 * @property {string | null} expires_at
 * @property {string | null} revoked_at
 * @property {string | null} last_used_at
 */

/**
 * @param {Key[]} keys
 * @param {{ own: string | null, rotate: (key: Key) => void, revoke: (key: Key) => void }} options `own` is the key of this console
 */
export function keyTable(keys, options) {
  const head = ["Key", "Scopes", "Last used", "Issued", "State and end", ""];
  // The roles remain where a narrow window shows the rows as cards.
  return html`<div class="table-box keys-box">
    <table class="table keys" role="table">
      <caption class="hidden">Keys, the newest first</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${head.map((title) => html`<th scope="col" role="columnheader">${title || html`<span class="hidden">Actions</span>`}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${repeat(keys, ({ id }) => id, (key) => row(key, options))}
      </tbody>
    </table>
  </div>`;
}

/** @param {Key} key @param {Parameters<typeof keyTable>[1]} options */
function row(key, { own, rotate, revoke }) {
  const called = key.name ?? key.id;
  return html`<tr role="row" class=${key.status}>
    <th scope="row" role="rowheader">
      <span class="key-name">${key.name === null ? html`<span class="muted">no name</span>` : html`<bdi>${key.name}</bdi>`}</span>
      ${key.id === own ? html`<span class="tag accent">this console</span>` : nothing}
      <code class="key-id">${key.id}</code>
    </th>
    <td role="cell" data-label="Scopes"><ul class="tags">${grouped(key.scopes).map((scope) => html`<li class="tag">${scope}</li>`)}</ul>${limits(key)}</td>
    <td role="cell" data-label="Last used">${key.last_used_at === null ? html`<span class="muted">not yet</span>` : time(key.last_used_at)}</td>
    <td role="cell" data-label="Issued">${time(key.created_at)}</td>
    <td role="cell" data-label="State">${state(key)}</td>
    <td role="cell" class="row-actions">
      ${key.status === "active"
        ? html`<button class="button small" @click=${() => rotate(key)} aria-label=${`Rotate ${called}`}>Rotate</button>
            <button class="button small danger" @click=${() => revoke(key)} aria-label=${`Revoke ${called}`}>Revoke</button>`
        : nothing}
    </td>
  </tr>`;
}

/** The state, and below when it ends or has ended. @param {Key} key */
function state({ status, expires_at: expires, revoked_at: revoked }) {
  const signs = { active: "✓", expired: "–", revoked: "×" };
  const { words, soon, title } = end(expires);
  const below = revoked ? time(revoked) : expires === null ? "no end" : soon ? html`<strong>ends ${words}</strong>` : `${status === "active" ? "until " : ""}${words}`;
  return html`<span class="key-state ${status}"><span aria-hidden="true">${signs[status]}</span> ${status}</span><span class="below small" title=${title}>${below}</span>`;
}

/** @param {Key} key */
function limits({ limits }) {
  if (!limits) {
    return nothing;
  }
  const { requests, texts, concurrent, texts_per_day: day } = limits;
  const words = [
    requests && `${count(requests.per_second)} requests/s`,
    texts && `${count(texts.per_second)} texts/s`,
    concurrent && `${count(concurrent)} at once`,
    day && `${count(day)} texts a day`,
  ].filter((part) => part);
  return html`<p class="small muted">at most ${words.join(", ")}</p>`;
}

/** @param {string} at */
function time(at) {
  return html`<time datetime=${at} title=${exact(at)}>${ago(at)}</time>`;
}
