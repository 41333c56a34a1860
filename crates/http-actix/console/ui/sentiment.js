// Sentiments as the console shows them: never by color alone, always with a sign and a word.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { percent } from "../core/format.js";
import { styles } from "./styles.js";

/** @typedef {"negative" | "neutral" | "positive" | "mixed"} Sentiment */

/** In the order in which scores and charts have them. @type {readonly { id: Sentiment, sign: string }[]} */
export const SENTIMENTS = [
  { id: "positive", sign: "+" },
  { id: "neutral", sign: "○" },
  { id: "negative", sign: "−" },
  { id: "mixed", sign: "±" },
];

/** @param {string | null} sentiment @returns {string} the sign; a middle dot for a label without sentiment */
export function sign(sentiment) {
  return SENTIMENTS.find(({ id }) => id === sentiment)?.sign ?? "·";
}

/** @param {string | null} sentiment @returns {string} */
export function word(sentiment) {
  return sentiment ?? "no sentiment";
}

/** The sign in the color of the sentiment, with its word for screen readers. @param {string | null} sentiment */
export function mark(sentiment) {
  return html`<span class="mark ${sentiment ?? "unmapped"}"><span aria-hidden="true">${sign(sentiment)}</span><span class="hidden">${word(sentiment)}</span></span>`;
}

/** Sign and word. @param {string | null} sentiment */
export function named(sentiment) {
  return html`<span class="mark ${sentiment ?? "unmapped"}"><span aria-hidden="true">${sign(sentiment)}</span> ${word(sentiment)}</span>`;
}

/**
 * Thin bars with figures, one for each score.
 *
 * @param {Record<string, number>} scores by sentiment
 * @param {string | null} [except] a sentiment to leave out
 */
export function scoreBars(scores, except = null) {
  const shown = SENTIMENTS.filter(({ id }) => scores[id] !== undefined && id !== except);
  if (shown.length === 0) {
    return nothing;
  }
  return html`<dl class="scores">
    ${shown.map(
      ({ id }) => html`<div class="score ${id}">
        <dt>${named(id)}</dt>
        <dd>
          <span class="track" aria-hidden="true"><span class="fill" ${styles({ width: percent(scores[id], 2) })}></span></span>
          <span class="value">${percent(scores[id])}</span>
        </dd>
      </div>`,
    )}
  </dl>`;
}
