// Distinguishing terms: what negative and positive texts have that others do not. Texts are read for them, so only on
// demand.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ApiError, request } from "../../core/api.js";
import { count, percent } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { href } from "../../core/router.js";
import { focusNext } from "../../ui/focus.js";
import { named } from "../../ui/sentiment.js";
import { failure, loading } from "../../ui/states.js";
import { Examples } from "./examples.js";
import { historyParams, rangeWords } from "./query.js";

/** @typedef {import("./query.js").Query} Query */
/** @typedef {"negative" | "positive"} Side */
/**
 * @typedef {{ term: string, texts: number, texts_other: number, log_odds: number, z: number, examples: string[] }} Term
 */
/** @typedef {{ read: number, of: number, unavailable: number }} Sample */
/**
 * `GET /api/v1/analytics/terms`.
 * @typedef {object} Terms
 * @property {Term[]} terms
 * @property {Sample} sample
 * @property {Sample} sample_other
 * @property {string} from
 * @property {string} to
 * @property {boolean} truncated_vocabulary
 */

/** @type {readonly Side[]} */
const SIDES = ["negative", "positive"];

/** How many terms a column shows at first. */
const SHOWN = 12;

/** How often a busy service is asked again. */
const TRIES = 5;

/** The service's own limit is 30 s. */
const TIMEOUT = 35_000;

export class TermSearch {
  /** @type {Record<Side, Load<Terms>>} */
  #loads;
  #examples;
  #redraw;
  /** Whether the service is busy with the terms of others. */
  #busy = false;
  /** What the columns show: a query of the page, as JSON. */
  #asked = "";
  /** @type {Record<string, string>} */
  #range = {};
  /** The columns that show all of their terms. @type {Set<Side>} */
  #whole = new Set();

  /** @param {() => void} redraw */
  constructor(redraw) {
    this.#redraw = redraw;
    this.#examples = new Examples(redraw);
    this.#loads = { negative: new Load(redraw), positive: new Load(redraw) };
  }

  /**
   * Finds the terms of `query`, unless they are there.
   *
   * @param {Query} query
   * @param {Record<string, string>} range `from` and `to`
   * @param {boolean} [again]
   */
  async find(query, range, again = false) {
    const asked = JSON.stringify([query.range, query.from, query.to, query.model, query.terms]);
    if (query.terms === "" || (asked === this.#asked && !again)) {
      return;
    }
    this.#asked = asked;
    this.#range = range;
    this.#whole.clear();
    for (const side of SIDES) {
      this.#loads[side].stop();
      this.#loads[side].value = undefined;
      this.#loads[side].error = null;
    }
    // One after the other: a service runs two at a time for all of its users.
    for (const side of SIDES) {
      await this.#loads[side].run((signal) => this.#ask(side, query, signal));
      if (asked !== this.#asked) {
        return;
      }
    }
  }

  close() {
    SIDES.forEach((side) => this.#loads[side].stop());
    this.#examples.close();
  }

  /** @param {Side} side @param {Query} query @param {AbortSignal} signal @returns {Promise<Terms>} */
  async #ask(side, query, signal) {
    const parameters = { sentiment: side, against: query.terms, ...this.#range, model: query.model, limit: 60 };
    for (let left = TRIES; ; left -= 1) {
      try {
        return await request("GET", "api/v1/analytics/terms", { query: parameters, signal, timeout: TIMEOUT });
      } catch (error) {
        if (left === 0 || !(error instanceof ApiError && error.code === "saturated")) {
          throw error;
        }
        this.#busy = true;
        this.#redraw();
        await new Promise((resolve) => setTimeout(resolve, Math.max(error.retryAfter ?? 1, 1) * 1000));
        signal.throwIfAborted();
      } finally {
        this.#busy = false;
      }
    }
  }

  /** @param {Query} query @param {(change: Partial<Query>) => void} change */
  template(query, change) {
    const choices = /** @type {const} */ ([
      ["rest", "With other sentiments"],
      ["previous", "With the time before"],
    ]);
    return html`<section class="section" aria-labelledby="terms-title">
      <header>
        <h2 id="terms-title">Distinguishing terms</h2>
        ${
          query.terms === ""
            ? nothing
            : html`<div class="row">
              <span class="small muted" id="against-label">Compare</span>
              <div class="segmented words" id="against" role="group" aria-labelledby="against-label">
                ${choices.map(([terms, title]) => html`<button aria-pressed=${query.terms === terms} @click=${() => change({ terms })}>${title}</button>`)}
              </div>
            </div>`
        }
      </header>
      ${
        query.terms === ""
          ? html`<p>Words and pairs of words that set the negative and the positive texts of ${rangeWords(query)} apart.</p>
            <p class="row">
              <button class="button" @click=${() => (focusNext("#against [aria-pressed=true]"), change({ terms: "rest" }))}>Find terms</button>
              <span class="small muted">This reads up to 100,000 texts, and may take some seconds.</span>
            </p>`
          : html`${query.key === "" ? nothing : html`<p class="small muted">All texts of the range: the filter by metadata does not apply here.</p>`}
            <div class="term-columns">${SIDES.map((side) => this.#column(side, query))}</div>`
      }
    </section>`;
  }

  /** @param {Side} side @param {Query} query */
  #column(side, query) {
    const { value, error, loading: reading } = this.#loads[side];
    return html`<div class="column" id="terms-${side}">
      <h3>${named(side)}</h3>
      ${
        error
          ? failure(error, () => void this.find(query, this.#range, true))
          : value
            ? this.#found(side, value, query)
            : html`${loading(8, `Reading the ${side} texts`)}
              <p class="small muted" role="status">${this.#busy && reading ? "The service is busy with other analyses. Trying again." : ""}</p>`
      }
    </div>`;
  }

  /** @param {Side} side @param {Terms} found @param {Query} query */
  #found(side, found, query) {
    const others = query.terms === "rest" ? "of the other sentiments" : "of the time before";
    const [more, less] = [found.terms.filter(({ z }) => z > 0), found.terms.filter(({ z }) => z < 0)];
    const shown = this.#whole.has(side) ? more : more.slice(0, SHOWN);
    const whole = () => {
      this.#whole.add(side);
      focusNext(`#terms-${side} li:nth-child(${SHOWN + 1}) .term`);
      this.#redraw();
    };
    return html`<p class="small muted">${sample(found.sample)}, against ${sample(found.sample_other)} ${others}.${found.truncated_vocabulary ? " Rare terms are left out: the texts have more than 200,000 different ones." : ""}</p>
      ${more.length === 0 ? html`<p>${nothingFound(found)}</p>` : this.#list(shown, found, side, query)}
      ${shown.length < more.length ? html`<button class="button small" @click=${whole}>Show ${more.length - shown.length} more</button>` : nothing}
      ${
        less.length === 0
          ? nothing
          : html`<details class="less">
            <summary>Less frequent: ${count(less.length)}</summary>
            ${this.#list(less, found, side, query)}
          </details>`
      }`;
  }

  /** @param {Term[]} terms @param {Terms} found @param {Side} side @param {Query} query */
  #list(terms, found, side, query) {
    return html`<ol class="terms">
      ${terms.map((term) => {
        const { term: words, texts, texts_other: others, z, examples } = term;
        const id = `examples-${side}-${found.terms.indexOf(term)}`;
        const isOpen = this.#examples.isOpen(side, words);
        // A term that is less frequent has the examples of the other side.
        const sentiment = z > 0 ? side : "";
        return html`<li>
          <button class="term" aria-expanded=${isOpen} aria-controls=${id} @click=${() => this.#examples.toggle(side, words, examples)}>
            <strong><bdi>${words}</bdi></strong>
            <span class="figures">${rate(texts, found.sample)} <span class="muted">against ${rate(others, found.sample_other)}</span></span>
            <span class="z">z ${z > 0 ? "+" : "−"}${Math.abs(z).toFixed(1)}</span>
          </button>
          <div id=${id} ?hidden=${!isOpen}>
            ${
              isOpen
                ? html`${this.#examples.template(side, words)}
                  <a class="small" href=${href("history", historyParams(query, { from: found.from, to: found.to, sentiment, q: words }))}>All of them in History</a>`
                : nothing
            }
          </div>
        </li>`;
      })}
    </ol>`;
  }
}

/** @param {number} texts @param {Sample} sample */
function rate(texts, { read }) {
  return html`${count(texts)} <span class="small">(${percent(read === 0 ? null : texts / read)})</span>`;
}

/** @param {Sample} sample */
function sample({ read, of, unavailable }) {
  return `${count(read)} of ${count(of)} texts read${unavailable > 0 ? ` (${count(unavailable)} are not stored)` : ""}`;
}

/** @param {Terms} found */
function nothingFound({ sample, sample_other: others }) {
  if (sample.read === 0) {
    return "There are no such texts in this range.";
  }
  return others.read === 0
    ? "There are no texts to compare with."
    : "No term is clearly more frequent here. More texts, or a longer range, may have some.";
}
