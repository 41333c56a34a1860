// Charts over time, drawn by uPlot and read without it: a slider over the buckets, with a name, a value in words and
// keys.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { AXIS, Plots, RIGHT, TIMES } from "./plots.js";
import { styles } from "./styles.js";

/** @typedef {import("./plots.js").Chart} Chart */

export class TimeChart {
  /** Why uPlot could not be loaded. @type {unknown} */
  error = null;
  /** @type {Chart | null} */
  #chart = null;
  /** The start of the bucket at the cursor, which so stays where it is when buckets are added. @type {number | null} */
  #cursor = null;
  /** The start of the bucket under the pointer. @type {number | null} */
  #hover = null;
  /** @type {Plots | null} */
  #plots = null;
  /** @type {HTMLElement | null} */
  #root = null;
  #redraw;
  #open;
  #resized = new ResizeObserver(() => {
    this.#plots?.resize();
    this.#place();
  });

  /** @param {() => void} redraw draws the page @param {(index: number) => void} open opens a bucket */
  constructor(redraw, open) {
    this.#redraw = redraw;
    this.#open = open;
  }

  /** The bucket to read out: that under the pointer, or else at the cursor. @returns {number | null} */
  get index() {
    const start = this.#hover ?? this.#cursor;
    const index = start === null ? -1 : (this.#chart?.read.starts.indexOf(start) ?? -1);
    return index === -1 ? null : index;
  }

  /** @param {Chart} chart */
  show(chart) {
    this.#chart = chart;
    void this.#draw();
  }

  close() {
    this.#unmount();
  }

  /**
   * @param {string} label what the chart shows
   * @param {string} value what `index` shows, in words
   * @param {string} hint the id of what says which keys there are
   */
  template(label, value, hint) {
    const chart = this.#chart;
    if (!chart) {
      return nothing;
    }
    queueMicrotask(() => this.#place());
    const last = chart.read.starts.length - 1;
    return html`<div
      class="time-chart"
      role="slider"
      tabindex="0"
      aria-label=${label}
      aria-describedby=${hint}
      aria-orientation="horizontal"
      aria-valuemin="0"
      aria-valuemax=${last}
      aria-valuenow=${this.index ?? last}
      aria-valuetext=${value}
      @keydown=${this.#keydown}
      @pointermove=${this.#pointermove}
      @pointerleave=${() => this.#point(null)}
      @click=${this.#click}
      ${ref(this.#mount)}
    >
      ${chart.panels.map(
        ({ head, height }, place) => html`<div class="panel-head">${head}</div>
          <div class="panel" ${styles({ height: `${height + (place === chart.panels.length - 1 ? TIMES : 0)}px` })}></div>`,
      )}
      <div class="cursor" hidden></div>
    </div>`;
  }

  /** @param {Element | undefined} element */
  #mount = (element) => {
    this.#unmount();
    if (element instanceof HTMLElement) {
      this.#root = element;
      this.#resized.observe(element);
      queueMicrotask(() => void this.#draw());
    }
  };

  #unmount() {
    this.#resized.disconnect();
    this.#plots?.destroy();
    this.#plots = null;
    this.#root = null;
  }

  async #draw() {
    try {
      const { default: uPlot } = await import("../vendor/uplot/uPlot.js");
      if (this.#chart && this.#root) {
        this.#plots ? this.#plots.draw(this.#chart) : (this.#plots = new Plots(uPlot, this.#root, this.#chart));
        this.#place();
      }
    } catch (error) {
      this.error = error;
      this.#redraw();
    }
  }

  /** Puts the cursor over the bucket that is read out. */
  #place() {
    const cursor = this.#root?.querySelector(".cursor");
    const { index } = this;
    if (!(cursor instanceof HTMLElement) || !this.#root || !this.#chart) {
      return;
    }
    cursor.hidden = index === null;
    if (index !== null) {
      const { starts, ends } = this.#chart.read;
      const begin = starts[0];
      const scale = (this.#root.clientWidth - AXIS - RIGHT) / ((ends.at(-1) ?? 0) - begin);
      cursor.style.left = `${AXIS + (starts[index] - begin) * scale}px`;
      cursor.style.width = `${Math.max((ends[index] - starts[index]) * scale, 2)}px`;
    }
  }

  /** @param {PointerEvent} event @returns {number | null} the bucket under the pointer */
  #bucketAt(event) {
    if (!this.#root || !this.#chart) {
      return null;
    }
    const { starts, ends } = this.#chart.read;
    const box = this.#root.getBoundingClientRect();
    const share = (event.clientX - box.left - AXIS) / (box.width - AXIS - RIGHT);
    const time = starts[0] + share * ((ends.at(-1) ?? 0) - starts[0]);
    const index = starts.findLastIndex((start) => start <= time);
    return index === -1 || time > ends[index] ? null : index;
  }

  /** @param {number | null} index */
  #point(index) {
    const start = index === null ? null : (this.#chart?.read.starts[index] ?? null);
    if (start !== this.#hover) {
      this.#hover = start;
      this.#redraw();
    }
  }

  /** @param {number | null} index */
  #moveTo(index) {
    this.#hover = null;
    this.#cursor = index === null ? null : (this.#chart?.read.starts[index] ?? null);
    this.#redraw();
  }

  /** @param {PointerEvent} event */
  #pointermove = (event) => {
    const index = this.#bucketAt(event);
    event.pointerType === "mouse" ? this.#point(index) : this.#moveTo(index);
  };

  /** A finger chooses a bucket, a mouse opens it. @param {PointerEvent} event */
  #click = (event) => {
    const index = this.#bucketAt(event);
    if (index !== null && event.pointerType === "mouse") {
      this.#open(index);
    } else if (index !== null) {
      this.#moveTo(index);
    }
  };

  /** @param {KeyboardEvent} event */
  #keydown = (event) => {
    const count = this.#chart?.read.starts.length ?? 0;
    if (event.ctrlKey || event.metaKey || event.altKey || count === 0) {
      return;
    }
    const { index } = this;
    const leap = Math.max(Math.round(count / 10), 2);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#moveTo(index === null ? count - 1 : Math.max(index - 1, 0)),
      ArrowRight: () => this.#moveTo(index === null ? 0 : Math.min(index + 1, count - 1)),
      PageDown: () => this.#moveTo(Math.max((index ?? count) - leap, 0)),
      PageUp: () => this.#moveTo(Math.min((index ?? -1) + leap, count - 1)),
      Home: () => this.#moveTo(0),
      End: () => this.#moveTo(count - 1),
      Enter: () => index !== null && this.#open(index),
      Escape: () => this.#moveTo(null),
    };
    keys.ArrowDown = /** @type {() => void} */ (keys.ArrowLeft);
    keys.ArrowUp = /** @type {() => void} */ (keys.ArrowRight);
    const act = keys[event.key];
    if (act && !(event.key === "Escape" && index === null)) {
      event.preventDefault();
      act();
    }
  };
}
