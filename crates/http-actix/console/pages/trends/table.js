// The chart's figures as a table: the latest buckets first, more on demand.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { count, percent, points } from "../../core/format.js";
import { named } from "../../ui/sentiment.js";
import { share } from "./figures.js";
import { bucketTime } from "./times.js";

/** How many rows a step shows. */
export const ROWS = 100;

/**
 * @param {import("./figures.js").Trends} trends
 * @param {object} options
 * @param {readonly import("../../ui/sentiment.js").Sentiment[]} options.present
 * @param {readonly string[]} options.keys the groups that have lines
 * @param {number} options.doneUntil
 * @param {number} options.rows how many are shown
 * @param {() => void} options.more
 */
export function dataTable(trends, { present, keys, doneUntil, rows, more }) {
  const { buckets, bucket: width, tz } = trends;
  const unmapped = buckets.some(({ counts }) => counts.unmapped > 0);
  const shown = buckets
    .map((bucket, index) => ({ ...bucket, index }))
    .reverse()
    .slice(0, rows);
  return html`<div class="table-box bucket-table" id="trends-table" tabindex="0" role="region" aria-label="The chart as a table">
      <table class="table">
        <caption>Net, shares and counts by time, the latest first (${tz})</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col" class="number">Texts</th>
            <th scope="col" class="number">Net, in points</th>
            ${keys.map((key) => html`<th scope="col" class="number">Net of <bdi>${key}</bdi></th>`)}
            ${present.map((id) => html`<th scope="col" class="number">${named(id)}</th>`)}
            ${unmapped ? html`<th scope="col" class="number">${named(null)}</th>` : nothing}
            <th scope="col" class="number">Mean confidence</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (bucket) => html`<tr>
              <th scope="row">${bucketTime(bucket, width, tz)}${bucket.index < doneUntil ? nothing : html` <span class="tag">not complete</span>`}</th>
              <td class="number">${count(bucket.total)}</td>
              <td class="number">${points(bucket.net)}</td>
              ${keys.map((key) => html`<td class="number">${points(bucket.groups?.find((group) => group.key === key)?.net)}</td>`)}
              ${present.map((id) => html`<td class="number">${percent(share(bucket.counts, id))} <span class="muted">${count(bucket.counts[id])}</span></td>`)}
              ${unmapped ? html`<td class="number">${count(bucket.counts.unmapped)}</td>` : nothing}
              <td class="number">${percent(bucket.mean_confidence)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="row small muted">
      ${count(shown.length)} of ${count(buckets.length)} rows
      ${shown.length < buckets.length ? html`<button class="button small" @click=${more}>Show ${Math.min(ROWS, buckets.length - shown.length)} more</button>` : nothing}
    </p>`;
}
