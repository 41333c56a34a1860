// What the caller and its tenant have used of their limits.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { count, duration, plural } from "../../core/format.js";
import { styles } from "../../ui/styles.js";

/**
 * @typedef {object} Limits
 * @property {{ per_second: number, burst: number, remaining: number } | null} requests
 * @property {{ per_second: number, burst: number, remaining: number } | null} texts
 * @property {{ max: number, in_use: number } | null} concurrent
 * @property {{ quota: number, used: number, remaining: number } | null} texts_per_day
 */

/** `GET /api/v1/usage`. @typedef {{ tenant: string, day_ends_at: string, texts_today: number, limits: Limits, key: { texts_today?: number, limits: Limits } | null }} Usage */

/** @param {Usage} usage */
export function usageOf({ tenant, day_ends_at: ends, texts_today: texts, limits, key }) {
  const left = Math.max(0, (Date.parse(ends) - Date.now()) / 1000);
  return html`<p><strong>${plural(texts, "text")}</strong> of the tenant <strong><bdi>${tenant}</bdi></strong> today <span class="muted">(UTC; the day ends in ${duration(Math.ceil(left / 60) * 60)})</span>.</p>
    <div class="halves">
      ${limited("All callers of the tenant", limits)} ${key ? limited("This caller", key.limits) : nothing}
    </div>
    ${key ? nothing : html`<p class="small muted">This caller has no limits of its own.</p>`}`;
}

/** @param {string} title @param {Limits} limits */
function limited(title, { requests, texts, concurrent, texts_per_day: day }) {
  const rows = [
    requests && bar("Requests at once", requests.burst - requests.remaining, requests.burst, `${count(requests.per_second)} per second on average`),
    texts && bar("Texts at once", texts.burst - texts.remaining, texts.burst, `${count(texts.per_second)} per second on average`),
    concurrent && bar("Requests in progress", concurrent.in_use, concurrent.max, "this one included"),
    day && bar("Texts of today", day.used, day.quota, `${count(day.remaining)} left`),
  ].filter((row) => row !== null);
  return html`<section aria-label=${title}>
    <h3>${title}</h3>
    ${rows.length > 0 ? html`<dl class="limits">${rows}</dl>` : html`<p class="muted">Nothing is limited.</p>`}
  </section>`;
}

/** @param {string} name @param {number} used @param {number} most @param {string} note */
function bar(name, used, most, note) {
  const share = Math.min(1, used / most);
  return html`<div class=${share >= 0.9 ? "limit near" : "limit"}>
    <dt>${name}</dt>
    <dd>
      <span class="figures-of">${count(used)} of ${count(most)}${share >= 0.9 ? html` <strong>${share === 1 ? "used up" : "nearly used up"}</strong>` : nothing}</span>
      <span class="track" aria-hidden="true"><span class="fill" ${styles({ width: `${share * 100}%` })}></span></span>
      <span class="small muted">${note}</span>
    </dd>
  </div>`;
}
