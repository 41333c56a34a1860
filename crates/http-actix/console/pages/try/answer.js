// What a model says of a text: its verdict, its scores, its sentences, and the request itself.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { address } from "../../core/api.js";
import { milliseconds, percent, plural } from "../../core/format.js";
import { copyButton } from "../../ui/copy.js";
import { sentences } from "../../ui/sentences.js";
import { scoreBars, sign, word } from "../../ui/sentiment.js";
import { styles } from "../../ui/styles.js";
import { curl } from "./curl.js";
import { question } from "./question.js";

/** @typedef {import("./question.js").Answer} Answer */

/** How many labels are shown of a model without sentiments. */
const LABELS = 6;

/** Which of the parts that fold out are open. */
const open = { curl: false, json: false };

/**
 * @param {Answer} answer
 * @param {{ precision: string | null, authenticated: boolean }} about
 */
export function answerTemplate(answer, { precision, authenticated }) {
  const { prediction, text } = answer;
  return html`${verdict(prediction)}
    <div class="try-text">${prediction.sentences ? sentences(text, prediction.sentences) : html`<bdi class="marked">${text}</bdi>`}</div>
    <p class="small muted">${facts(answer, precision)}</p>
    <div class="try-folds">
      ${fold("curl", "As curl", curl(address("api/v1/predictions"), answer.body, authenticated))}
      ${fold("json", "Answer as JSON", JSON.stringify(prediction, null, 2))}
    </div>`;
}

/** @param {Record<string, any>} prediction @returns {string} such as `positive, 93%` */
export function spoken({ sentiment, confidence, labels }) {
  const name = sentiment ?? labels[0]?.label ?? "no sentiment";
  return confidence === null ? name : `${name}, ${percent(confidence, 0)}`;
}

/** @param {Record<string, any>} prediction */
function verdict({ sentiment, confidence, scores, labels }) {
  const kind = sentiment ?? "unmapped";
  return html`<div class="verdict-box">
    <div>
      <p class="verdict">
        <span class="mark ${kind}"><span aria-hidden="true">${sign(sentiment)}</span> ${sentiment === null ? html`<bdi>${labels[0]?.label ?? word(null)}</bdi>` : sentiment}</span>
        ${confidence === null ? nothing : html`<span class="figure">${percent(confidence)}</span>`}
      </p>
      ${sentiment === "mixed" ? html`<p class="small muted">A positive and a negative sentence are both at 80% or more. The scores are those of the whole text.</p>` : nothing}
      ${sentiment === null ? html`<p class="small muted">The labels of this model do not stand for sentiments.</p>` : nothing}
    </div>
    ${sentiment === null ? labelBars(labels.slice(1)) : scoreBars(scores, sentiment)}
  </div>`;
}

/** @param {{ label: string, score: number }[]} labels */
function labelBars(labels) {
  const more = labels.length - LABELS;
  return html`<dl class="scores">
    ${labels.slice(0, LABELS).map(
      ({ label, score }) => html`<div class="score unmapped">
        <dt><bdi>${label}</bdi></dt>
        <dd>
          <span class="track" aria-hidden="true"><span class="fill" ${styles({ width: percent(score, 2) })}></span></span>
          <span class="value">${percent(score)}</span>
        </dd>
      </div>`,
    )}
    ${more > 0 ? html`<div class="small muted"><dt>${plural(more, "more label")}</dt><dd>in the JSON below</dd></div>` : nothing}
  </dl>`;
}

/** @param {Answer} answer @param {string | null} precision */
function facts({ prediction, seconds }, precision) {
  const { usage, model, cached } = prediction;
  const separated = [
    plural(usage.tokens, "token"),
    plural(usage.windows, "window"),
    html`<bdi>${model.name}</bdi> (${model.revision})`,
    ...(precision ? [precision] : []),
    milliseconds(seconds),
    cached ? "cached" : "not cached",
  ];
  return separated.map((fact, index) => html`<span class="fact">${fact}${index < separated.length - 1 ? " ·" : nothing}</span> `);
}

/** @param {"curl" | "json"} name @param {string} title @param {string} code */
function fold(name, title, code) {
  return html`<details
    class="fold"
    .open=${open[name]}
    @toggle=${(/** @type {Event} */ event) => {
      open[name] = /** @type {HTMLDetailsElement} */ (event.target).open;
      question.changed();
    }}
  >
    <summary>${title}</summary>
    <div class="code">
      ${copyButton(code)}
      <pre tabindex="0" role="region" aria-label=${title}>${code}</pre>
    </div>
  </details>`;
}
