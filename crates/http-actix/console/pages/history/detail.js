// The details of a prediction, in a drawer beside the list.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ApiError, request } from "../../core/api.js";
import { count, exact, percent, plural } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { href } from "../../core/router.js";
import { copyButton } from "../../ui/copy.js";
import { icons } from "../../ui/icons.js";
import { drawer } from "../../ui/overlay.js";
import { sentences } from "../../ui/sentences.js";
import { named, scoreBars } from "../../ui/sentiment.js";
import { failure, loading } from "../../ui/states.js";

/** @typedef {import("./rows.js").Row} Row */

/**
 * @typedef {object} Commands
 * @property {() => void} close
 * @property {(by: number) => void} move to the next row, or to the one before
 * @property {((id: string) => void) | null} remove null where the key does not allow it
 */

export class Detail {
  /** @type {string} */
  id;
  /** What the list has of it, until all is there. @type {Row | null} */
  #row;
  /** @type {Load<Record<string, any>>} */
  #load;
  /** Whether it was deleted meanwhile. */
  #deleted = false;

  /** @param {string} id @param {Row | null} row @param {() => void} redraw */
  constructor(id, row, redraw) {
    this.id = id;
    this.#row = row;
    this.#load = new Load(redraw);
    this.#read();
  }

  #read = () => {
    void this.#load.run((signal) => request("GET", `api/v1/predictions/${encodeURIComponent(this.id)}`, { signal }));
  };

  close() {
    this.#load.stop();
  }

  /** Someone has deleted it. */
  deleted() {
    this.#deleted = true;
  }

  /** @param {Commands} commands @param {boolean} modal */
  template({ close, move, remove }, modal) {
    const record = this.#load.value;
    const heading = html`<button class="icon-button" aria-label="Previous prediction" title="Previous (K)" @click=${() => move(-1)}>${icons.up}</button>
      <button class="icon-button" aria-label="Next prediction" title="Next (J)" @click=${() => move(1)}>${icons.down}</button>`;
    const footer = html`${record?.text ? copyButton(record.text, "Copy text") : nothing}
      ${remove && record && !this.#deleted ? html`<button class="button small danger" @click=${() => remove(this.id)}>${icons.trash}Delete</button>` : nothing}`;
    return drawer({ title: "Prediction", body: this.#body(), close, heading, footer, modal });
  }

  #body() {
    const { value, error } = this.#load;
    const gone = this.#deleted ? html`<p class="failure" role="alert"><strong>Deleted.</strong> This prediction is no longer stored.</p>` : nothing;
    if (value) {
      return html`${gone}${facts(value)}`;
    }
    if (error instanceof ApiError && error.status === 404) {
      return html`<p class="failure" role="alert"><strong>Not found.</strong> No prediction with this id is stored: it was deleted, or belongs to another tenant.</p>`;
    }
    if (error) {
      return html`${gone}${failure(error, this.#read)}`;
    }
    return this.#row ? html`${gone}${answer(this.#row.sentiment, this.#row.confidence)}<p class="whole" dir="auto">${this.#row.text}</p>${loading(6)}` : loading();
  }
}

/** @param {string | null} sentiment @param {number | null} confidence */
function answer(sentiment, confidence) {
  return html`<p class="answer">${named(sentiment)} ${confidence === null ? nothing : html`<span>${percent(confidence)}</span>`}</p>`;
}

/** @param {Record<string, any>} record */
function facts(record) {
  const { text, sentiment, confidence, scores, labels, usage, model, metadata } = record;
  const json = JSON.stringify(record, null, 2);
  return html`${answer(sentiment, confidence)}
    ${scoreBars(scores)}
    ${text === null
      ? html`<p class="muted">The text is not stored.</p>`
      : record.sentences
        ? sentences(text, record.sentences)
        : html`<p class="whole" dir="auto">${text}</p>`}
    <section class="stack">
      <h3>Labels of the model</h3>
      <div class="table-box">
        <table class="table">
          <caption class="hidden">Labels of the model with their scores</caption>
          <thead><tr><th scope="col">Label</th><th scope="col" class="number">Score</th>${labels[0]?.logit === undefined ? nothing : html`<th scope="col" class="number">Logit</th>`}</tr></thead>
          <tbody>
            ${labels.map(
              (/** @type {any} */ { label, score, logit }) => html`<tr>
                <th scope="row"><bdi>${label}</bdi></th>
                <td class="number">${number(score)}</td>
                ${logit === undefined ? nothing : html`<td class="number">${number(logit)}</td>`}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
    <section class="stack">
      <h3>Facts</h3>
      <dl class="facts">
        <dt>Made</dt><dd><time datetime=${record.created_at}>${exact(record.created_at)}</time></dd>
        <dt>Model</dt><dd><bdi>${model.name}</bdi> <code class="muted">${model.revision}</code></dd>
        <dt>Usage</dt><dd>${plural(usage.tokens, "token")} in ${plural(usage.windows, "window")}${usage.truncated ? ", truncated" : ""}</dd>
        <dt>Cached</dt><dd>${record.cached ? "yes, the model's output was reused" : "no"}</dd>
        <dt>Reference</dt><dd>${record.ref === null ? html`<span class="muted">none</span>` : html`<bdi>${record.ref}</bdi> · <a href=${href("history", { ref: record.ref })}>all with it</a>`}</dd>
        <dt>Id</dt><dd><code>${record.id}</code></dd>
      </dl>
    </section>
    ${Object.keys(metadata).length > 0
      ? html`<section class="stack">
          <h3>Metadata</h3>
          <dl class="facts">
            ${Object.entries(metadata).map(([key, value]) => html`<dt><bdi>${key}</bdi></dt><dd><bdi>${String(value)}</bdi></dd>`)}
          </dl>
        </section>`
      : nothing}
    <details class="json">
      <summary>JSON</summary>
      <div class="stack">
        <pre tabindex="0" aria-label="JSON">${json}</pre>
        <div class="row">${copyButton(json, "Copy JSON")}</div>
      </div>
    </details>`;
}

/** @param {number} value @returns {string} */
function number(value) {
  return Math.abs(value) >= 1000 ? count(value) : value.toFixed(4);
}
