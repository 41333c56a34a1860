// The predictions that the list has read: a few pages are in memory, of all others only where they begin and end.

import { request } from "../../core/api.js";

/**
 * A prediction as the list needs it.
 * @typedef {object} Row
 * @property {string} id
 * @property {string | null} text its beginning; null where the text is not stored
 * @property {string | null} sentiment
 * @property {number | null} confidence
 * @property {string} model
 * @property {string} time RFC 3339
 */

/** @typedef {{ rows: Row[], next: string | null }} Answer */
/** @typedef {{ cursor: string | null, last: string, count: number, rows: Row[] | null, used: number, loading: boolean }} Page */

export const PAGE_SIZE = 100;

/** How many pages are in memory. */
const HELD = 12;

/** How many characters of a text a row shows at most. */
const SHOWN = 300;

/** Predictions in the order of the list: the newest first. */
export class Rows {
  /** How many were read. */
  count = 0;
  /** The cursor of the page that follows; null at the end, undefined before the first page. @type {string | null | undefined} */
  next = undefined;
  /** Whether the first page is on its way. */
  starting = false;
  /** Whether a further page is on its way. */
  growing = false;
  /** Why reading on, or reading again, failed. @type {unknown} */
  error = null;
  /** @type {Record<string, string>} */
  #filters = {};
  /** @type {Page[]} */
  #pages = [];
  /** The place of each page's first row. @type {number[]} */
  #starts = [];
  /** Predictions that are about to be deleted: not shown. @type {Set<string>} */
  #hidden = new Set();
  /** The id of the first row that was read; ids rise with time. */
  #newest = "";
  #clock = 0;
  #stop = new AbortController();
  /** @type {() => void} */
  #changed;

  /** @param {() => void} changed called after each change */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Whether there is neither a page nor an error yet. */
  get first() {
    return this.next === undefined && this.error === null;
  }

  /**
   * Reads the first page; the present rows remain until it is there.
   *
   * @param {Record<string, string>} filters
   * @returns {Promise<boolean>} whether it was read
   */
  async restart(filters) {
    this.#filters = filters;
    this.#stop.abort();
    const stop = (this.#stop = new AbortController());
    this.starting = true;
    this.growing = false;
    this.#changed();
    try {
      const answer = await this.newest(stop.signal);
      if (stop.signal.aborted) {
        return false;
      }
      this.starting = false;
      this.take(answer);
      return true;
    } catch (error) {
      if (!stop.signal.aborted) {
        this.starting = false;
        this.#clear();
        this.error = error;
        this.#changed();
      }
      return false;
    }
  }

  /** @param {AbortSignal} [signal] @returns {Promise<Answer>} the first page, as it is now */
  newest(signal) {
    return this.#read(null, signal);
  }

  /** Makes `answer` the only page. @param {Answer} answer */
  take({ rows, next }) {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.growing = false;
    this.#clear();
    this.next = next;
    this.#newest = rows[0]?.id ?? "";
    this.#add(null, rows);
  }

  /** Reads the page after the last one. */
  async more() {
    if (this.growing || this.starting || !this.next) {
      return;
    }
    const { signal } = this.#stop;
    this.growing = true;
    this.error = null;
    this.#changed();
    try {
      const cursor = this.next;
      const { rows, next } = await this.#read(cursor, signal);
      if (!signal.aborted) {
        this.next = next;
        this.#add(cursor, rows);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.error = error;
      }
    }
    if (!signal.aborted) {
      this.growing = false;
      this.#changed();
    }
  }

  /** @param {number} index @returns {Row | null} null while its page is not in memory */
  at(index) {
    const place = this.#placeOf(index);
    return this.#pages[place]?.rows?.[index - (this.#starts[place] ?? 0)] ?? null;
  }

  /** @param {string | null} id @returns {number} its index; −1 where it is not in memory */
  indexOf(id) {
    for (const [place, { rows }] of this.#pages.entries()) {
      const within = rows?.findIndex((row) => row.id === id) ?? -1;
      if (within >= 0) {
        return (this.#starts[place] ?? 0) + within;
      }
    }
    return -1;
  }

  /** Uses the rows from `from` up to `to`: reads their pages again. @param {number} from @param {number} to */
  use(from, to) {
    this.#clock += 1;
    const last = this.#placeOf(to - 1);
    for (let place = this.#placeOf(from); place <= last; place += 1) {
      const page = this.#pages[place];
      if (page) {
        page.used = this.#clock;
        if (page.rows === null && !page.loading) {
          void this.#readAgain(page);
        }
      }
    }
  }

  /** @param {Answer} answer @returns {number} how many of its rows come before all that were read */
  newer({ rows }) {
    return rows.filter(({ id }) => id > this.#newest).length;
  }

  /** Removes a row that must not come back with a page. @param {string} id @returns {Row | null} as `remove` */
  hide(id) {
    this.#hidden.add(id);
    return this.remove(id);
  }

  /** @param {string} id @returns {Row | null} the row that was removed */
  remove(id) {
    const index = this.indexOf(id);
    if (index < 0) {
      return null;
    }
    const place = this.#placeOf(index);
    const row = this.#pages[place]?.rows?.splice(index - (this.#starts[place] ?? 0), 1)[0] ?? null;
    this.#counted();
    return row;
  }

  /** Shows a hidden row again. @param {string} id @param {Row | null} row */
  restore(id, row) {
    this.#hidden.delete(id);
    const page = row && (this.#pages.find(({ last }) => last <= row.id) ?? (this.next ? null : this.#pages.at(-1)));
    if (row && page?.rows && !page.rows.some((other) => other.id === id)) {
      page.rows.push(row);
      page.rows.sort((one, other) => (one.id < other.id ? 1 : -1));
      page.last = page.last < id ? page.last : id;
      this.#counted();
    }
  }

  stop() {
    this.#stop.abort();
  }

  #clear() {
    this.#pages = [];
    this.#starts = [];
    this.count = 0;
    this.next = undefined;
    this.error = null;
  }

  /** @param {string | null} cursor @param {Row[]} rows */
  #add(cursor, rows) {
    const before = this.#pages.at(-1)?.last ?? "\uffff";
    const last = rows.at(-1)?.id ?? before;
    const shown = this.#visible(rows);
    this.#pages.push({ cursor, last, count: shown.length, rows: shown, used: ++this.#clock, loading: false });
    this.#counted();
    this.#forget();
  }

  /** @param {Page} page */
  async #readAgain(page) {
    const { signal } = this.#stop;
    page.loading = true;
    try {
      const { rows } = await this.#read(page.cursor, signal);
      if (!signal.aborted) {
        // After a deletion the answer reaches into the next page.
        page.rows = this.#visible(rows).filter(({ id }) => id >= page.last);
        this.error = null;
        this.#counted();
        this.#forget();
      }
    } catch (error) {
      if (!signal.aborted) {
        this.error = error;
      }
    }
    page.loading = false;
    this.#changed();
  }

  /** Drops the rows of the pages that were not used for the longest time. */
  #forget() {
    const held = this.#pages.filter(({ rows }) => rows !== null).sort((one, other) => other.used - one.used);
    for (const page of held.slice(HELD)) {
      page.rows = null;
    }
  }

  #counted() {
    this.count = 0;
    this.#starts = this.#pages.map((page) => {
      const start = this.count;
      page.count = page.rows?.length ?? page.count;
      this.count += page.count;
      return start;
    });
    this.#changed();
  }

  /** @param {number} index @returns {number} the place of its page */
  #placeOf(index) {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      [low, high] = (this.#starts[middle] ?? 0) <= index ? [middle, high] : [low, middle - 1];
    }
    return low;
  }

  /** @param {Row[]} rows */
  #visible(rows) {
    return this.#hidden.size === 0 ? rows : rows.filter(({ id }) => !this.#hidden.has(id));
  }

  /** @param {string | null} cursor @param {AbortSignal} [signal] @returns {Promise<Answer>} */
  async #read(cursor, signal) {
    const query = { ...this.#filters, limit: PAGE_SIZE, cursor };
    const page = await request("GET", "api/v1/predictions", { query, signal });
    return { rows: page.items.map(rowOf), next: page.next_cursor };
  }
}

/** @param {any} record a prediction of the API @returns {Row} */
export function rowOf({ id, text, sentiment, confidence, model, created_at: time }) {
  return { id, text: text === null ? null : beginning(text), sentiment, confidence, model: model.name, time };
}

/** @param {string} text @returns {string} a copy: a slice would hold the whole text in memory */
function beginning(text) {
  return Array.from(text.slice(0, 2 * SHOWN)).slice(0, SHOWN).join("");
}
