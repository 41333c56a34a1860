// The page Trends: how sentiments develop, which groups are unlike the others, and which terms set texts apart.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { guard } from "../../vendor/lit-html/directives/guard.js";
import { ApiError, request } from "../../core/api.js";
import { Load } from "../../core/load.js";
import { go } from "../../core/router.js";
import { TimeChart } from "../../ui/chart.js";
import { focusNext, settleFocus } from "../../ui/focus.js";
import { icons } from "../../ui/icons.js";
import { failure, failureLine, loading } from "../../ui/states.js";
import { announce } from "../../ui/toasts.js";
import { breakdown } from "./breakdown.js";
import { keyList, toolbar } from "./controls.js";
import { doneUntil, presentIn, sum } from "./figures.js";
import { Groups } from "./groups.js";
import { emptyRange, notes } from "./notes.js";
import { chartOf, lineKeys } from "./panels.js";
import {
  BUCKETS,
  bounds,
  drawsLines,
  edges,
  historyParams,
  isLive,
  rangeWords,
  read,
  trendsParams,
  write,
} from "./query.js";
import { readout, spoken } from "./readout.js";
import { ROWS, dataTable } from "./table.js";
import { TermSearch } from "./terms.js";

/** @typedef {import("./figures.js").Trends} Trends */
/** @typedef {import("./readout.js").Reading} Reading */
/** @typedef {import("../../types.d.ts").View} View */
/** @typedef {import("./query.js").Query} Query */

/** How often a range that ends now is read again, in milliseconds. */
const EVERY = 30_000;

/** @implements {View} */
class TrendsPage {
  #context;
  #query;
  /** @type {Load<Trends>} */
  #trends;
  #groups;
  /** The newest prediction, asked for where the range has none. @type {Load<any>} */
  #newest;
  /** What one answer says, computed once. @type {Omit<Reading, "index"> | null} */
  #read = null;
  #chart;
  #terms;
  #problem = "";
  #filtering = false;
  #asking = false;
  #rows = ROWS;
  /** When the trends were last asked for. */
  #askedAt = 0;
  #timer = setInterval(() => this.#follow(), 1_000);

  /** @param {import("../../types.d.ts").Context} context */
  constructor(context) {
    const { redraw } = context;
    this.#context = context;
    this.#query = read(context.params);
    this.#trends = new Load(redraw);
    this.#groups = new Groups(redraw);
    this.#newest = new Load(redraw);
    this.#terms = new TermSearch(redraw);
    this.#chart = new TimeChart(redraw, (index) => this.#openBucket(index));
    void this.#load(true);
  }

  navigated() {
    const before = this.#query;
    const query = (this.#query = read(this.#context.params));
    const changed = (/** @type {(query: Query) => unknown} */ part) =>
      JSON.stringify(part(before)) !== JSON.stringify(part(query));
    this.#problem = "";
    this.#filtering = false;
    if (changed((it) => [trendsParams({ ...it, range: null }), it.range, it.by])) {
      this.#rows = ROWS;
      void this.#load(true);
    } else {
      this.#show();
      void this.#terms.find(query, edges(query, this.#trends.value?.buckets ?? []));
    }
  }

  close() {
    clearInterval(this.#timer);
    this.#chart.close();
    this.#terms.close();
    this.#groups.stop();
    this.#trends.stop();
    this.#newest.stop();
  }

  action() {
    return html`<button class="button" @click=${() => void this.#load(true, true)}>${icons.refresh}Refresh</button>`;
  }

  template() {
    settleFocus();
    const query = this.#query;
    /** @param {Partial<Query>} part */
    const change = (part) => this.#change(part);
    const set = (/** @type {() => void} */ assign) => (assign(), this.#context.redraw());
    return html`<div class="trends">
      ${toolbar({
        query,
        change,
        models: this.#groups.models.value ?? [],
        width: this.#trends.value?.bucket ?? "",
        problem: this.#problem,
        filtering: this.#filtering,
        refuse: (problem) => set(() => (this.#problem = problem)),
        openFilter: (open) => set(() => ((this.#filtering = open), open && this.#groups.suggest())),
      })}
      ${keyList(this.#groups.suggested)} ${this.#development()}
      ${(this.#read?.whole.total ?? 0) === 0 ? nothing : this.#details(change)}
    </div>`;
  }

  /** What is below the chart. @param {(part: Partial<Query>) => void} change */
  #details(change) {
    const query = this.#query;
    const { breakdown: load, counted } = this.#groups;
    const ask = (/** @type {boolean} */ open) => {
      this.#asking = open;
      open && void this.#groups.suggest();
      this.#context.redraw();
    };
    return html`${guard([query, load.value, load.error, this.#asking, counted.size], () =>
      breakdown({
        query,
        load,
        keys: [...counted],
        asking: this.#asking,
        change,
        ask,
        retry: () => void this.#load(true),
      }),
    )}
    ${this.#terms.template(query, change)}`;
  }

  /** The chart with its figures. */
  #development() {
    const { value, error, loading: busy } = this.#trends;
    if (!value || !this.#read) {
      return html`<div class="card chart-card ${error ? "" : "waits"}">${error ? failure(error, () => void this.#load(true)) : loading(12, "Loading the trends")}</div>`;
    }
    const reading = { ...this.#read, index: this.#chart.index };
    const { whole, present, keys, doneUntil: done, query } = reading;
    const { table } = this.#query;
    const more = () => ((this.#rows += ROWS), focusNext("#trends-table"), this.#context.redraw());
    return html`<section class="card chart-card" aria-label="Development" aria-busy=${busy}>
        ${error ? failureLine(error) : nothing}
        ${
          whole.total === 0
            ? this.#newest.loading
              ? loading(4)
              : emptyRange(query, {
                  newest: this.#newest.value,
                  canWrite: this.#context.can("predictions:write"),
                  change: (part) => this.#change(part),
                })
            : html`${readout(reading)}
              <figure>
                ${this.#chart.error ? html`<p>The chart cannot be drawn, because a file did not load. The table has its figures.</p>` : this.#chart.template(this.#label(value), spoken(reading), "chart-hint")}
                <figcaption class="small muted">${notes(value, query, done)}</figcaption>
              </figure>
              <div class="row chart-foot">
                <div class="segmented words" role="group" aria-label="Height of the bars">
                  <button aria-pressed=${!query.counts} @click=${() => this.#change({ counts: false })}>Shares</button>
                  <button aria-pressed=${query.counts} @click=${() => this.#change({ counts: true })}>Counts</button>
                </div>
                <button class="button small" aria-expanded=${table} aria-controls="trends-table" @click=${() => this.#change({ table: !table })}>${table ? "Hide the table" : "Show as table"}</button>
                <p class="small muted hint" id="chart-hint"><kbd>←</kbd> <kbd>→</kbd> read the chart, <kbd>Enter</kbd> or a click opens that time in History.</p>
              </div>`
        }
      </section>
      ${table && whole.total > 0 ? guard([reading.trends, keys.length, this.#rows], () => dataTable(value, { present, keys, doneUntil: done, rows: this.#rows, more })) : nothing}`;
  }

  /** What the chart shows as a whole. @param {Trends} trends */
  #label(trends) {
    const width = BUCKETS.find(({ id }) => id === trends.bucket)?.one ?? trends.bucket;
    return `Net sentiment and shares over ${rangeWords(this.#query)}, ${trends.buckets.length} buckets of ${width}`;
  }

  /** @param {Partial<Query>} part @param {{ replace?: boolean }} [options] */
  #change(part, options) {
    const query = { ...this.#query, ...part };
    if (
      query.bucket !== "" &&
      (bounds(query).to - bounds(query).from) / (BUCKETS.find(({ id }) => id === query.bucket)?.length ?? 1) > 9_990
    ) {
      query.bucket = "";
    }
    this.#context.setParams(write(query), options);
  }

  /** @param {number} index */
  #openBucket(index) {
    const bucket = this.#trends.value?.buckets[index];
    if (bucket && bucket.total > 0) {
      go("history", historyParams(this.#query, { from: bucket.start, to: bucket.end }));
    }
  }

  /**
   * @param {boolean} spokenOf whether the result is said to screen readers
   * @param {boolean} [again] whether terms that are there are found again
   */
  async #load(spokenOf, again = false) {
    const query = this.#query;
    this.#askedAt = Date.now();
    const trends = await this.#trends.run((signal) =>
      request("GET", "api/v1/analytics/trends", { query: trendsParams(query), signal }),
    );
    if (!trends) {
      const { error } = this.#trends;
      if (error && spokenOf) {
        // What is shown is not what was asked for.
        this.#read = null;
      }
      if (error instanceof ApiError && error.field === "by") {
        // The breakdown says what is wrong with the key.
        this.#change({ lines: false }, { replace: true });
      }
      return;
    }
    this.#show();
    const range = edges(query, trends.buckets);
    if (spokenOf || !this.#groups.breakdown.error) {
      void this.#groups.load(query.by, range);
    }
    if (this.#read?.whole.total === 0 && !query.model && !query.key) {
      await this.#newest.run(
        async (signal) =>
          (await request("GET", "api/v1/predictions", { query: { limit: 1 }, signal })).items[0] ?? null,
      );
    }
    if (spokenOf && this.#read) {
      announce(spoken({ ...this.#read, index: null }));
      await this.#terms.find(query, range, again);
    }
  }

  /** Hands the answer to the chart. */
  #show() {
    const trends = this.#trends.value;
    if (trends) {
      const { buckets } = trends;
      const keys = drawsLines(this.#query) ? lineKeys(buckets) : [];
      this.#read = {
        trends,
        whole: sum(buckets),
        doneUntil: doneUntil(trends),
        present: presentIn(buckets),
        keys,
        query: this.#query,
      };
      this.#chart.show(chartOf(trends, { counts: this.#query.counts, present: this.#read.present, keys }));
      this.#context.redraw();
    }
  }

  /** Reads a range that ends now again, from time to time. */
  #follow() {
    if (!document.hidden && isLive(this.#query) && !this.#trends.loading && Date.now() - this.#askedAt > EVERY) {
      void this.#load(false);
    }
  }
}

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  return new TrendsPage(context);
}
