// The page Trends: how sentiments develop, which groups are unlike the others, and which terms set texts apart.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { guard } from "../../vendor/lit-html/directives/guard.js";
import { request } from "../../core/api.js";
import { Load } from "../../core/load.js";
import { go, href } from "../../core/router.js";
import { TimeChart } from "../../ui/chart.js";
import { icons } from "../../ui/icons.js";
import { empty, failure, failureLine, loading } from "../../ui/states.js";
import { announce } from "../../ui/toasts.js";
import { breakdown, keysIn } from "./breakdown.js";
import { keyList, toolbar } from "./controls.js";
import { chartOf, doneUntil, lineKeys, presentIn } from "./panels.js";
import { BUCKETS, bounds, drawsLines, historyParams, isLive, rangeWords, read, span, trendsParams, write } from "./query.js";
import { readout, spoken, sum } from "./readout.js";
import { ROWS, dataTable } from "./table.js";
import { TermSearch } from "./terms.js";
import { minute } from "./times.js";

/** @typedef {import("./panels.js").Trends} Trends */
/** @typedef {import("./readout.js").Reading} Reading */
/** @typedef {import("../../types.d.ts").View} View */
/** @typedef {import("./breakdown.js").Breakdown} Breakdown */

/** How often a range that ends now is read again, in milliseconds. */
const EVERY = 30_000;

/** How far counting may lag before the page says so, in milliseconds. */
const LAG = 120_000;

/** @implements {View} */
class TrendsPage {
  #context;
  #query;
  /** @type {Load<Trends>} */
  #trends;
  /** @type {Load<Breakdown>} */
  #breakdown;
  /** The models of the range, for the filter. @type {Load<string[]>} */
  #models;
  /** The newest prediction, asked for where the range has none. @type {Load<any>} */
  #newest;
  /** What one answer says, computed once. @type {Omit<Reading, "index" | "query"> | null} */
  #read = null;
  #chart;
  #terms;
  /** Metadata keys by which the service counts, and others that texts have. @type {{ counted: Set<string>, seen: Set<string> }} */
  #keys = { counted: new Set(), seen: new Set() };
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
    this.#breakdown = new Load(redraw);
    this.#models = new Load(redraw);
    this.#newest = new Load(redraw);
    this.#terms = new TermSearch(redraw);
    this.#chart = new TimeChart(redraw, (index) => this.#openBucket(index));
    void this.#load(true);
  }

  navigated() {
    const before = this.#query;
    const query = (this.#query = read(this.#context.params));
    const changed = (/** @type {(query: import("./query.js").Query) => unknown} */ part) => JSON.stringify(part(before)) !== JSON.stringify(part(query));
    this.#problem = "";
    this.#filtering = false;
    if (changed((it) => [it.range, it.from, it.to])) {
      this.#rows = ROWS;
      void this.#load(true);
    } else if (changed((it) => [it.bucket, it.tz, it.model, it.key, it.value, drawsLines(it), it.by])) {
      void this.#load(true, changed((it) => it.by));
    } else {
      this.#show();
      void this.#terms.find(query);
    }
  }

  close() {
    clearInterval(this.#timer);
    this.#chart.close();
    this.#terms.close();
    for (const load of [this.#trends, this.#breakdown, this.#models, this.#newest]) {
      load.stop();
    }
  }

  action() {
    return html`<button class="button" @click=${() => void this.#load(true)}>${icons.refresh}Refresh</button>`;
  }

  template() {
    const query = this.#query;
    /** @param {Partial<import("./query.js").Query>} part */
    const change = (part) => this.#change(part);
    const set = (/** @type {() => void} */ assign) => (assign(), this.#context.redraw());
    return html`<div class="trends">
      ${toolbar({
        query,
        change,
        models: this.#models.value ?? [],
        width: this.#trends.value?.bucket ?? "",
        problem: this.#problem,
        filtering: this.#filtering,
        refuse: (problem) => set(() => (this.#problem = problem)),
        openFilter: (open) => set(() => ((this.#filtering = open), open && this.#suggestKeys())),
      })}
      ${keyList([...new Set([...this.#keys.counted, ...this.#keys.seen])])} ${this.#development()}
      ${guard([query, this.#breakdown.value, this.#breakdown.error, this.#asking, this.#keys.counted.size], () =>
        breakdown({
          query,
          load: this.#breakdown,
          keys: [...this.#keys.counted],
          asking: this.#asking,
          change,
          ask: (open) => set(() => ((this.#asking = open), open && this.#suggestKeys())),
          retry: () => void this.#load(true),
        }),
      )}
      ${this.#terms.template(query, change)}
    </div>`;
  }

  /** The chart with its figures. */
  #development() {
    const { value, error, loading: busy } = this.#trends;
    if (!value || !this.#read) {
      return html`<div class="card chart-card">${error ? failure(error, () => void this.#load(true)) : loading(12, "Loading the trends")}</div>`;
    }
    const { table } = this.#query;
    const reading = { ...this.#read, index: this.#chart.index, query: this.#query };
    const { whole, present, doneUntil: done } = this.#read;
    const more = () => ((this.#rows += ROWS), this.#context.redraw());
    return html`<section class="card chart-card" aria-label="Development" aria-busy=${busy}>
        ${error ? failureLine(error) : nothing}
        ${whole.total === 0
          ? this.#nothing()
          : html`${readout(reading)}
              <figure>
                ${this.#chart.error ? html`<p>The chart cannot be drawn, because a file did not load. The table has its figures.</p>` : this.#chart.template(this.#label(value), spoken(reading))}
                <figcaption class="small muted">${this.#notes(value)}</figcaption>
              </figure>
              <div class="row chart-foot">
                <div class="segmented words" role="group" aria-label="Height of the bars">
                  <button aria-pressed=${!this.#query.counts} @click=${() => this.#change({ counts: false })}>Shares</button>
                  <button aria-pressed=${this.#query.counts} @click=${() => this.#change({ counts: true })}>Counts</button>
                </div>
                <button class="button small" aria-expanded=${table} aria-controls="trends-table" @click=${() => this.#change({ table: !table })}>${table ? "Hide the table" : "Show as table"}</button>
                <p class="small muted hint"><kbd>←</kbd> <kbd>→</kbd> read the chart, <kbd>Enter</kbd> or a click opens that time in History.</p>
              </div>`}
      </section>
      ${table && whole.total > 0 ? guard([value, this.#rows], () => dataTable(value, { present, doneUntil: done, rows: this.#rows, more })) : nothing}`;
  }

  /** What is not complete in the chart. @param {Trends} trends */
  #notes(trends) {
    const { complete_until: until, recounting, tz } = trends;
    const { to } = bounds(this.#query);
    const notes = [];
    if (recounting) {
      notes.push("A part of this range is being counted again, as after an update; its figures may change until that is done.");
    }
    if (until === null) {
      notes.push("The service has not finished counting: all figures may still grow.");
    } else if (Math.min(to, Date.now()) - Date.parse(until) > LAG) {
      notes.push(`Complete until ${minute(Date.parse(until), tz)}. What is pale or dotted is still being counted.`);
    } else if ((this.#read?.doneUntil ?? 0) < trends.buckets.length) {
      notes.push("Pale and dotted: not over yet.");
    }
    if (this.#query.key !== "") {
      notes.push("History has no filter by metadata: it shows all texts of a time.");
    }
    return notes.join(" ");
  }

  /** What the chart shows as a whole. @param {Trends} trends */
  #label(trends) {
    const width = BUCKETS.find(({ id }) => id === trends.bucket)?.one ?? trends.bucket;
    return `Net sentiment and shares over ${rangeWords(this.#query)}, ${trends.buckets.length} buckets of ${width}`;
  }

  /** A range without texts. */
  #nothing() {
    const { model, key } = this.#query;
    if (model || key) {
      const all = () => this.#change({ model: "", key: "", value: "" });
      return empty("No text matches the filters", "In this range no text has this model and metadata.", html`<button class="button" @click=${all}>Remove the filters</button>`);
    }
    if (this.#newest.loading) {
      return loading(4);
    }
    const newest = this.#newest.value;
    if (newest) {
      const time = Date.parse(newest.created_at);
      const show = () => this.#change({ range: null, from: new Date(time - 7 * 86_400_000).toISOString(), to: new Date(time + 60_000).toISOString(), bucket: "" });
      const text = `The newest text is of ${minute(time, this.#query.tz)}. It appears here a few seconds after it was classified.`;
      return empty("No texts in this range", text, html`<button class="button" @click=${show}>Show the week before it</button>`);
    }
    const [write, text] = this.#context.can("predictions:write")
      ? [html`<a class="button" href=${href("try")}>Classify a text</a>`, "Classify texts, here or with the API, and this page shows how their sentiments develop."]
      : [nothing, "As soon as texts are classified, this page shows how their sentiments develop."];
    return empty("Nothing is counted yet", text, write);
  }

  /** @param {Partial<import("./query.js").Query>} part */
  #change(part) {
    const query = { ...this.#query, ...part };
    if (query.bucket !== "" && (bounds(query).to - bounds(query).from) / (BUCKETS.find(({ id }) => id === query.bucket)?.length ?? 1) > 9_990) {
      query.bucket = "";
    }
    this.#context.setParams(write(query));
  }

  /** @param {number} index */
  #openBucket(index) {
    const bucket = this.#trends.value?.buckets[index];
    if (bucket && bucket.total > 0) {
      go("history", historyParams(this.#query, { from: bucket.start, to: bucket.end }));
    }
  }

  /** @param {boolean} spokenOf whether the result is said to screen readers @param {boolean} [wholly] whether the breakdown is read too */
  async #load(spokenOf, wholly = true) {
    const query = this.#query;
    this.#askedAt = Date.now();
    if (wholly) {
      void this.#loadBreakdown();
    }
    const trends = await this.#trends.run((signal) => request("GET", "api/v1/analytics/trends", { query: trendsParams(query), signal }));
    if (!trends) {
      return;
    }
    this.#show();
    if (this.#read?.whole.total === 0 && !query.model && !query.key) {
      await this.#newest.run(async (signal) => (await request("GET", "api/v1/predictions", { query: { limit: 1 }, signal })).items[0] ?? null);
    }
    if (spokenOf && this.#read) {
      announce(spoken({ ...this.#read, index: null, query }));
      await this.#terms.find(query);
    }
  }

  async #loadBreakdown() {
    const { by, ...query } = this.#query;
    /** @param {string} by @param {AbortSignal} signal @returns {Promise<Breakdown>} */
    const ask = (by, signal) => request("GET", "api/v1/analytics/breakdown", { query: { by, ...span({ by, ...query }), limit: 100 }, signal });
    const shown = await this.#breakdown.run((signal) => ask(by, signal));
    if (by !== "model") {
      (shown ? [by.slice(9)] : keysIn(this.#breakdown.error)).forEach((key) => this.#keys.counted.add(key));
    }
    await this.#models.run(async (signal) => ((by === "model" && shown) || (await ask("model", signal))).rows.map(({ key }) => key).filter((key) => key !== "(other)"));
  }

  /** Suggests the metadata keys of the newest texts. */
  async #suggestKeys() {
    if (this.#keys.seen.size === 0) {
      const page = await request("GET", "api/v1/predictions", { query: { limit: 20 } }).catch(() => ({ items: [] }));
      for (const { metadata } of page.items) {
        Object.keys(metadata ?? {}).forEach((key) => this.#keys.seen.add(key));
      }
      this.#context.redraw();
    }
  }

  /** Hands the answer to the chart. */
  #show() {
    const trends = this.#trends.value;
    if (trends) {
      const { buckets } = trends;
      const keys = drawsLines(this.#query) ? lineKeys(buckets) : [];
      this.#read = { trends, whole: sum(buckets), doneUntil: doneUntil(trends), present: presentIn(buckets), keys };
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
