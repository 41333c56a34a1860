// New predictions: the feed says that there are some, the newest page which. Events have no text and no reference.

import { ApiError } from "../../core/api.js";
import { Feed } from "../../core/feed.js";
import { plural } from "../../core/format.js";
import { PAGE_SIZE } from "./rows.js";

/** @typedef {import("../../core/feed.js").FeedEvent} FeedEvent */
/** @typedef {import("./rows.js").Rows} Rows */

/** How often the newest page is read, at most, in milliseconds. */
const EVERY = 1_000;

/** Over how many seconds the rate of events is counted. */
const RATE_OVER = 5;

export class Live {
  /** Whether new rows wait until they are asked for. */
  paused = false;
  /** How many rows wait above the list. */
  waiting = 0;
  /** Whether events are missing, so that the list may be, too. */
  gap = false;
  /** The rows that came last. @type {ReadonlySet<string>} */
  fresh = new Set();
  /** Whether more came within a second than a page has. */
  sampled = false;
  /** @type {Record<string, string>} */
  #filters = {};
  /** @type {{ rows: Rows, mayMove: () => boolean, deleted: (id: string) => void, redraw: () => void }} */
  #page;
  #feed;
  #stale = false;
  #reading = false;
  #after = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;
  /** How many predictions were made, by the second. @type {{ second: number, made: number }[]} */
  #made = [];
  #stop = new AbortController();

  /** @param {{ rows: Rows, mayMove: () => boolean, deleted: (id: string) => void, redraw: () => void }} page */
  constructor(page) {
    this.#page = page;
    this.#feed = new Feed({
      events: (events) => this.#take(events),
      gap: () => this.#missed(),
      state: () => page.redraw(),
    });
    document.addEventListener("visibilitychange", () => this.#plan(), { signal: this.#stop.signal });
  }

  close() {
    this.#feed.close();
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /** The list has been read anew. @param {Record<string, string>} filters */
  restarted(filters) {
    this.#filters = filters;
    this.#settle();
    this.fresh = new Set();
    this.sampled = false;
  }

  /** Whether the range of the filters has ended, so that nothing new can be in it. */
  get ended() {
    return Date.parse(this.#filters.to ?? "") < Date.now();
  }

  /** @returns {string} for the line above the list */
  get words() {
    if (this.ended) {
      return "this range has ended";
    }
    if (this.#feed.state !== "live") {
      return { connecting: "connecting to the live feed", waiting: "not live, connecting again", refused: "not live: your key does not allow it" }[this.#feed.state];
    }
    const rate = this.#rate();
    const pace = rate >= 1 ? `: about ${plural(Math.round(rate), "prediction")} a second` : "";
    return `${this.paused ? "paused" : "live"}${pace}${this.sampled ? `, sampled: the newest ${PAGE_SIZE} once a second` : ""}`;
  }

  /** New rows may move the list now, which they might not before. */
  resume() {
    if (this.waiting > 0 || this.gap) {
      this.#stale = true;
      this.#plan();
    }
  }

  #rate() {
    const since = Date.now() / 1000 - RATE_OVER;
    this.#made = this.#made.filter(({ second }) => second >= since);
    return this.#made.reduce((sum, { made }) => sum + made, 0) / RATE_OVER;
  }

  /** @param {FeedEvent[]} events */
  #take(events) {
    const made = events.filter(({ type }) => type === "undertone.prediction.created");
    for (const { type, subject } of events) {
      if (type === "undertone.prediction.deleted") {
        this.#page.deleted(subject);
      }
    }
    this.#made.push({ second: Date.now() / 1000, made: made.length });
    if (!this.ended && made.some((event) => this.#mayMatch(event))) {
      this.#stale = true;
      this.#plan();
    }
    this.#page.redraw();
  }

  #missed() {
    this.gap = true;
    this.#stale = true;
    this.#plan();
    this.#page.redraw();
  }

  /** Whether the prediction can be in the list, by the facts that an event has. @param {FeedEvent} event */
  #mayMatch({ data }) {
    const { sentiment, model, min_confidence: least = 0, max_confidence: most = 1 } = this.#filters;
    return (
      (sentiment === undefined || data.sentiment === undefined || data.sentiment === sentiment) &&
      (model === undefined || data.model === undefined || data.model === model) &&
      (typeof data.confidence !== "number" || (data.confidence >= Number(least) && data.confidence <= Number(most)))
    );
  }

  #plan() {
    if (this.#stale && !document.hidden && !this.#reading && !this.#stop.signal.aborted) {
      this.#timer ??= setTimeout(() => void this.#read(), Math.max(0, this.#after - Date.now()));
    }
  }

  async #read() {
    const { rows, mayMove, redraw } = this.#page;
    const filters = this.#filters;
    this.#timer = undefined;
    this.#stale = false;
    this.#after = Date.now() + EVERY;
    if (rows.first || rows.starting) {
      this.#stale = true;
      return this.#plan();
    }
    this.#reading = true;
    try {
      const answer = await rows.newest(this.#stop.signal);
      if (filters !== this.#filters || rows.starting) {
        return;
      }
      const newer = rows.newer(answer);
      if (!this.paused && mayMove()) {
        this.fresh = new Set(answer.rows.slice(0, newer).map(({ id }) => id));
        this.sampled = rows.count > 0 && newer >= PAGE_SIZE;
        rows.take(answer);
        this.#settle();
      } else {
        this.waiting = newer;
      }
    } catch (error) {
      this.#stale = true;
      this.#after = Date.now() + 1000 * Math.max(10, error instanceof ApiError ? (error.retryAfter ?? 0) : 0);
    } finally {
      this.#reading = false;
      this.#plan();
      redraw();
    }
  }

  #settle() {
    this.waiting = 0;
    this.gap = false;
  }
}
