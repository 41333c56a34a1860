// A served model, and one that is being loaded.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { Unreachable } from "../../core/api.js";
import { count, duration, percent, plural } from "../../core/format.js";
import { href } from "../../core/router.js";
import { copyButton } from "../../ui/copy.js";
import { SENTIMENTS, named, sign, word } from "../../ui/sentiment.js";
import { explain } from "../../ui/states.js";
import { styles } from "../../ui/styles.js";
import { PRECISION_REASONS, PROBLEM_TYPES, basis, difference } from "./words.js";

/**
 * `GET /api/v1/models`, one item.
 * @typedef {object} Model
 * @property {string} name
 * @property {boolean} default
 * @property {string} revision
 * @property {string} problem_type
 * @property {{ name: string, sentiment: string | null }[]} labels
 * @property {{ kind: string, repo: string | null }} label_mapping
 * @property {{ tokens: number, overlap: number }} window
 * @property {string} device
 * @property {string} precision
 * @property {string} precision_reason
 * @property {string} kernel
 * @property {{ passed: boolean, texts: number, norms_folded: boolean, p95_probability_difference: number | null, max_probability_difference: number | null, labels_agreeing: number, tolerance: number } | null} calibration
 * @property {string} sha256
 * @property {{ kind: string, repo: string | null, revision: string | null, commit: string | null } | null} source
 * @property {string} self_test
 * @property {{ cases: number, max_difference: number, tolerance: number } | null} self_test_report
 */

/** A row of the breakdown by model. @typedef {{ key: string, total: number, counts: Record<string, number> }} Answers */

/**
 * @param {Model} model
 * @param {{ answers: Answers | null | undefined, since: string, canTry: boolean, unload: (() => void) | null, replace: (() => void) | null }} options
 *   `answers` is null where there were none, undefined where they are not known
 */
export function card(model, { answers, since, canTry, unload, replace }) {
  const id = `model-${model.name}`;
  return html`<article class="card model" aria-labelledby=${id}>
    <header>
      <h2 id=${id}><bdi>${model.name}</bdi></h2>
      <span class="muted">revision ${model.revision}</span>
      ${model.default ? html`<span class="tag accent">default</span>` : nothing}
      <div class="row actions">
        ${canTry ? html`<a class="button small" href=${href("try", { model: model.name })}>Try it${concerning(model.name)}</a>` : nothing}
        ${replace ? html`<button class="button small" @click=${replace}>Replace${concerning(model.name)}</button>` : nothing}
        ${unload && !model.default ? html`<button class="button small danger" @click=${unload}>Unload${concerning(model.name)}</button>` : nothing}
      </div>
    </header>
    <div class="halves">
      <div class="stack">
        <section aria-label="Labels">
          <h3>Labels and their sentiments</h3>
          <ul class="labels">
            ${model.labels.map(({ name, sentiment }) => html`<li><bdi>${name}</bdi><span class="muted" aria-hidden="true">→</span>${named(sentiment)}</li>`)}
          </ul>
          <p class="small muted">${basis(model.label_mapping)} The model gives ${PROBLEM_TYPES[model.problem_type] ?? model.problem_type}.</p>
        </section>
        ${answers === undefined ? nothing : answered(answers, since)}
      </div>
      <dl class="facts">
        <dt>Precision</dt>
        <dd>${model.precision}<span class="muted">: ${PRECISION_REASONS[model.precision_reason] ?? model.precision_reason}</span></dd>
        <dt>Runs on</dt>
        <dd>${model.device}<span class="muted">, kernel <code>${model.kernel}</code></span></dd>
        <dt>Window</dt>
        <dd>${plural(model.window.tokens, "token")}<span class="muted">, ${model.window.overlap === 0 ? "none" : `${count(model.window.overlap)} of them`} shared with the one before</span></dd>
        <dt>Self-test</dt>
        <dd>${selfTest(model)}</dd>
        <dt>Calibration</dt>
        <dd>${calibration(model)}</dd>
        ${model.source ? html`<dt>Source</dt><dd>${source(model.source)}</dd>` : nothing}
        <dt>Weights</dt>
        <dd class="checksum"><code title=${model.sha256}><span class="hidden">SHA-256 </span>${model.sha256.slice(0, 12)}…</code>${copyButton(model.sha256, "Copy SHA-256")}</dd>
      </dl>
    </div>
    ${model.default && unload ? html`<p class="small muted">The default model serves requests that name no model. It cannot be unloaded, only replaced.</p>` : nothing}
  </article>`;
}

/** The model's name for screen readers, after what a button does. @param {string} name */
function concerning(name) {
  return html`<span class="hidden">: <bdi>${name}</bdi></span>`;
}

/** @param {Model} model */
function selfTest({ self_test, self_test_report: report }) {
  if (!report) {
    return html`${self_test}<span class="muted">: the model has no <code>reference.json</code> to compare with</span>`;
  }
  return html`${good()} passed<span class="muted">: ${plural(report.cases, "case")}, largest difference ${difference(report.max_difference)} of ${difference(report.tolerance)} allowed</span>`;
}

/** @param {Model} model */
function calibration({ calibration: report, precision_reason }) {
  if (!report) {
    return html`<span class="muted">not needed${precision_reason === "reference_passed" ? ": the reference decides" : ""}</span>`;
  }
  return html`${report.passed ? html`${good()} passed` : html`<strong class="bad">× not passed</strong>`}<span class="muted">: ${count(report.labels_agreeing)} of ${plural(report.texts, "text")} have the same label in int8; in 95% of them a probability differs by at most ${difference(report.p95_probability_difference)} of ${difference(report.tolerance)} allowed, at most by ${difference(report.max_probability_difference)}${report.norms_folded ? "; scales of the norms folded" : ""}</span>`;
}

function good() {
  return html`<span class="good" aria-hidden="true">✓</span>`;
}

/** @param {NonNullable<Model["source"]>} source */
function source({ kind, repo, revision, commit }) {
  return kind === "folder"
    ? "a folder"
    : html`<bdi>${repo}</bdi><span class="muted"> at <bdi>${revision}</bdi>, commit <code title=${commit ?? ""}>${commit?.slice(0, 10)}</code></span>`;
}

/** @param {Answers | null} answers @param {string} since */
function answered(answers, since) {
  const counts = answers?.counts ?? {};
  const total = answers?.total ?? 0;
  const parts = [...SENTIMENTS.map(({ id }) => id), "unmapped"].filter((id) => (counts[id] ?? 0) > 0);
  const words = (/** @type {string} */ id) => word(id === "unmapped" ? null : id);
  return html`<section aria-label="Answers">
    <h3>Answers since ${since}</h3>
    <p class="answers"><strong>${count(total)}</strong></p>
    <div class="shares" aria-hidden="true">
      ${parts.map((id) => html`<span class=${id} ${styles({ "flex-grow": String(counts[id]) })}></span>`)}
    </div>
    <ul class="legend small">
      ${parts.map((id) => html`<li><span class="mark ${id}" aria-hidden="true">${sign(id)}</span> ${words(id)} ${percent((counts[id] ?? 0) / total, 0)}</li>`)}
    </ul>
  </section>`;
}

/**
 * @param {import("./loads.js").Pending} pending
 * @param {{ edit: () => void, dismiss: () => void }} actions
 */
export function pendingCard({ draft, since, error }, { edit, dismiss }) {
  const { title, advice } = error instanceof Unreachable
    ? { title: "The connection ended", advice: "The service goes on loading if the request had reached it: the model then appears here once it is served." }
    : error
      ? explain(error)
      : { title: "", advice: "" };
  return html`<article class="card model ${error ? "failed" : ""}" aria-label=${draft.name}>
    <header>
      <h2><bdi>${draft.name}</bdi></h2>
      <span class="muted">${error ? "not loaded" : "loading…"}</span>
      <div class="row actions">
        ${error ? html`<button class="button small" @click=${edit}>Change and try again</button><button class="button small" @click=${dismiss}>Dismiss</button>` : nothing}
      </div>
    </header>
    ${error
      ? html`<p class="failure" role="alert"><strong>${title}.</strong> ${advice}</p>`
      : html`<div class="progress-bar" aria-hidden="true"><span></span></div>
          <p class="muted">From <bdi><code>${draft.path}</code></bdi>, for ${duration((Date.now() - since) / 1000)}. Models that are served go on meanwhile; a download may take minutes.</p>`}
  </article>`;
}
