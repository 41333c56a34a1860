// The list on the screen: of all rows that were read, only those near the window are in the document.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ref } from "../../vendor/lit-html/directives/ref.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { ago, count, exact, percent } from "../../core/format.js";
import { mark } from "../../ui/sentiment.js";
import { styles } from "../../ui/styles.js";
import { failureLine } from "../../ui/states.js";
import { PAGE_SIZE } from "./rows.js";

/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./rows.js").Rows} Rows */

/** How many rows beyond the window are in the document, on both sides. */
const BEYOND = 12;

/** In steps of how many rows the document follows the window. */
const STEP = 6;

/** How close to the end the next page is read. */
const AHEAD = 60;

/** The most rows that the page is high for: browsers know no element of more than 33 million pixels. */
const HIGHEST = 300_000;

const NARROW = matchMedia("(max-width: 799px)");

export class List {
  /** @type {Rows} */
  #rows;
  /** @type {() => void} */
  #redraw;
  /** @type {{ address: (id: string) => string, open: (id: string) => void }} */
  #commands;
  /** @type {HTMLElement | null} */
  #body = null;
  /** The rows in the document. */
  #drawn = { from: 0, to: 0 };
  /** How many rows lie before the first that the page is high for. */
  #base = 0;
  #height = rowHeight();
  /** The row that has the focus: it remains in the document. @type {string | null} */
  #focused = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settled = undefined;
  #stop = new AbortController();

  /**
   * @param {Rows} rows
   * @param {{ address: (id: string) => string, open: (id: string) => void, redraw: () => void }} commands
   */
  constructor(rows, { redraw, ...commands }) {
    this.#rows = rows;
    this.#redraw = redraw;
    this.#commands = commands;
    const options = { passive: true, signal: this.#stop.signal };
    window.addEventListener("scroll", () => this.#scrolled(), options);
    window.addEventListener("resize", () => this.#resized(), options);
  }

  close() {
    this.#stop.abort();
    clearTimeout(this.#settled);
  }

  /** Whether the list's beginning is in the window, and no row has the focus. */
  get isAtTop() {
    return window.scrollY < this.#height && this.#base === 0 && this.#focused === null;
  }

  /** Scrolls to the first row. */
  toTop() {
    this.#base = 0;
    window.scrollTo(0, 0);
  }

  /** Scrolls the row into the window. @param {number} index */
  show(index) {
    const { top } = this.#place();
    const at = top + (index - this.#base) * this.#height;
    const low = window.innerHeight - this.#height - (NARROW.matches ? 72 : 8);
    if (at < 56 || at > low) {
      window.scrollBy(0, at < 56 ? at - 56 : at - low);
    }
    this.#redraw();
  }

  /** Puts the focus on a row, once it is drawn. @param {string} id */
  focus(id) {
    const index = this.#rows.indexOf(id);
    if (index >= 0) {
      this.show(index);
      requestAnimationFrame(() => this.#link(id)?.focus({ preventScroll: true }));
    }
  }

  /** @returns {string | null} the id of the row that has the focus */
  get focused() {
    return this.#focused;
  }

  /**
   * @param {string | null} selected the row whose details are open
   * @param {ReadonlySet<string>} fresh rows that have just come
   */
  template(selected, fresh) {
    const rows = this.#rows;
    this.#base = this.#base > rows.count ? 0 : this.#base;
    const { from, to } = (this.#drawn = this.#range());
    const indices = Array.from({ length: to - from }, (_, place) => from + place);
    const focused = rows.indexOf(this.#focused);
    if (focused >= 0 && (focused < from || focused >= to)) {
      indices[focused < from ? "unshift" : "push"](focused);
    }
    const height = this.#total();
    /** @param {Element | undefined} element */
    const found = (element) => {
      this.#body = /** @type {HTMLElement | null} */ (element ?? null);
    };
    return html`<div class="predictions" role="table" aria-label="Predictions, newest first" aria-rowcount=${rows.next ? -1 : rows.count + 1} aria-busy=${rows.starting}>
        <div class="head" role="rowgroup">
          <div class="line" role="row" aria-rowindex="1">
            <span role="columnheader"><span class="hidden">Sentiment</span></span>
            <span role="columnheader">Text</span>
            <span role="columnheader" class="by">Model</span>
            <span role="columnheader" class="confidence">Confidence</span>
            <span role="columnheader" class="time">Time</span>
          </div>
        </div>
        <div class="body ${this.#base === 0 ? "moves" : ""}" role="rowgroup" ${ref(found)} ${styles({ height })} @focusin=${this.#focusIn} @focusout=${this.#focusOut}>
          ${repeat(
            indices,
            (index) => rows.at(index)?.id ?? index,
            (index) => this.#row(index, selected, fresh),
          )}
        </div>
      </div>
      ${this.#end()}`;
  }

  /** @param {number} index @param {string | null} selected @param {ReadonlySet<string>} fresh */
  #row(index, selected, fresh) {
    const row = this.#rows.at(index);
    const place = styles({ top: `${(index - this.#base) * this.#height}px` });
    if (!row) {
      return html`<div class="line ghost" role="row" aria-rowindex=${index + 2} ${place}><span role="cell"></span><span role="cell" class="text"><span class="hidden">Loading</span></span></div>`;
    }
    const { id, text, sentiment, confidence, model, time } = row;
    /** @param {MouseEvent} event */
    const click = (event) => {
      const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
      if (plain && getSelection()?.isCollapsed !== false) {
        event.preventDefault();
        this.#commands.open(id);
      }
    };
    return html`<div class="line ${id === selected ? "selected" : ""} ${fresh.has(id) ? "fresh" : ""}" role="row" aria-rowindex=${index + 2} @click=${click} ${place}>
      <span role="cell" class="sign">${mark(sentiment)}</span>
      <span role="cell" class="text"><a href=${this.#commands.address(id)} data-id=${id} aria-current=${id === selected ? "true" : nothing}>${text === null ? html`<i class="muted">text not stored</i>` : html`<bdi>${text}</bdi>`}</a></span>
      <span role="cell" class="by"><bdi>${model}</bdi></span>
      <span role="cell" class="confidence">${confidence === null ? html`<span class="muted"><span aria-hidden="true">–</span><span class="hidden">none</span></span>` : percent(confidence)}</span>
      <span role="cell" class="time"><time datetime=${time} title=${exact(time)}><span class="ago">${ago(time)}</span><span class="exact">${exact(time)}</span></time></span>
    </div>`;
  }

  #end() {
    const { next, growing, error } = this.#rows;
    if (error) {
      return html`${failureLine(error)}<p class="tail"><button class="button" @click=${() => this.#retry()}>Try again</button></p>`;
    }
    if (!next) {
      return html`<p class="tail muted small">No earlier predictions.</p>`;
    }
    const more = () => void this.#rows.more();
    return html`<p class="tail"><button class="button" aria-disabled=${growing} @click=${more}>${growing ? "Reading…" : `Read ${count(PAGE_SIZE)} more`}</button></p>`;
  }

  #retry() {
    this.#rows.error = null;
    this.#rows.use(this.#drawn.from, this.#drawn.to);
    void this.#rows.more();
    this.#redraw();
  }

  #place() {
    return this.#body?.getBoundingClientRect() ?? { top: 200 };
  }

  /** @returns {{ from: number, to: number }} the rows near the window */
  #range() {
    const first = this.#base + Math.floor(-this.#place().top / this.#height);
    const last = first + Math.ceil(window.innerHeight / this.#height);
    const from = Math.floor((first - BEYOND) / STEP) * STEP;
    const to = Math.ceil((last + BEYOND) / STEP) * STEP;
    const { count } = this.#rows;
    return { from: Math.max(this.#base, Math.min(from, count)), to: Math.max(0, Math.min(to, count)) };
  }

  #scrolled() {
    this.#rebase();
    const { from, to } = this.#range();
    if (from !== this.#drawn.from || to !== this.#drawn.to) {
      this.#redraw();
    }
    // A scroll bar that is dragged passes pages that need not be read.
    this.#settled ??= setTimeout(() => {
      this.#settled = undefined;
      this.#rows.use(this.#drawn.from, this.#drawn.to);
    }, 80);
    this.follow();
  }

  /** Reads on where the end is near. */
  follow() {
    if (this.#body && this.#range().to > this.#rows.count - AHEAD && this.#rows.error === null) {
      void this.#rows.more();
    }
  }

  /** @returns {string} the height of the rows that the page is high for */
  #total() {
    return `${Math.min(this.#rows.count - this.#base, HIGHEST) * this.#height}px`;
  }

  /** Moves the rows that the page is high for, where the window comes close to their first or their last. */
  #rebase() {
    const first = -this.#place().top / this.#height;
    const half = HIGHEST / 2;
    let shift = 0;
    if (first < BEYOND) {
      // A jump to the top is meant to reach the newest row.
      if (window.scrollY === 0 && this.#drawn.from - this.#base > 1_000) {
        this.#base = 0;
      }
      shift = -Math.min(this.#base, half);
    } else if (first > half && this.#rows.count - this.#base > HIGHEST) {
      shift = half;
    }
    if (shift !== 0 && this.#body) {
      this.#base += shift;
      this.#body.style.height = this.#total();
      window.scrollBy(0, -shift * this.#height);
      this.#redraw();
    }
  }

  #resized() {
    const height = rowHeight();
    if (height !== this.#height) {
      const first = Math.max(0, -this.#place().top / this.#height);
      this.#height = height;
      this.#redraw();
      if (first > 0) {
        requestAnimationFrame(() => window.scrollBy(0, this.#place().top + first * height));
      }
    }
    this.#scrolled();
  }

  #focusIn = (/** @type {FocusEvent} */ { target }) => {
    this.#focused = target instanceof HTMLElement ? (target.dataset.id ?? null) : null;
  };

  #focusOut = () => {
    this.#focused = null;
  };

  /** @param {string} id @returns {HTMLElement | null} */
  #link(id) {
    return this.#body?.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? null;
  }
}

/** @returns {number} in pixels, as `css/history.css` has it: it follows the size of letters */
function rowHeight() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) * (NARROW.matches ? 3.8 : 2.4);
}
