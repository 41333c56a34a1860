// Charts over time, drawn by uPlot and read without it: a slider over the buckets, with a name, a value in words and keys.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { styles } from "./styles.js";
import { colorOf, observeTheme } from "./theme.js";

/** @typedef {import("../vendor/uplot/uPlot.js").default} Plot */

/**
 * A line through the middles of the buckets; null is a gap.
 * @typedef {{ values: (number | null)[], color: string, width: number, dash?: number[] }} Line
 */

/**
 * Bars over the whole widths of the buckets, stacked from below; null is a gap.
 * @typedef {{ color: string, values: (number | null)[] }[]} Bars
 */

/**
 * One of the plots that share the time axis.
 * @typedef {object} Panel
 * @property {unknown} head what stands over it
 * @property {number} height in pixels, without the head
 * @property {[number, number]} range of the values
 * @property {(value: number) => string} label of a value at the axis
 * @property {Line[]} lines
 * @property {Bars} bars
 */

/**
 * @typedef {object} Chart
 * @property {number[]} starts of the buckets, in milliseconds
 * @property {number[]} ends
 * @property {number} doneUntil the index of the first bucket that is not complete
 * @property {string} zone
 * @property {Panel[]} panels
 */

/** The width of the axis of values, and the space at the right, in pixels. */
const [AXIS, RIGHT] = [48, 8];

/** The height of the time axis, in pixels; only the last panel has one. */
const TIMES = 40;

/** Labels of the time axis: the shortest distance between two in seconds, the label, and what follows it where a year, month or day begins. */
const LABELS = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

export class TimeChart {
  /** Why uPlot could not be loaded. @type {unknown} */
  error = null;
  /** @type {Chart | null} */
  #chart = null;
  /** The start of the bucket at the cursor, which so stays where it is when buckets are added. @type {number | null} */
  #cursor = null;
  /** The start of the bucket under the pointer. @type {number | null} */
  #hover = null;
  /** @type {Plot[]} */
  #plots = [];
  #shape = "";
  /** @type {Record<string, string>} */
  #colors = {};
  /** @type {HTMLElement | null} */
  #root = null;
  #redraw;
  #open;
  #resized = new ResizeObserver(() => this.#resize());
  #endTheme = observeTheme(() => this.#repaint());

  /** @param {() => void} redraw draws the page @param {(index: number) => void} open opens a bucket */
  constructor(redraw, open) {
    this.#redraw = redraw;
    this.#open = open;
  }

  /** The bucket to read out: that under the pointer, or else at the cursor. @returns {number | null} */
  get index() {
    const start = this.#hover ?? this.#cursor;
    const index = start === null ? -1 : (this.#chart?.starts.indexOf(start) ?? -1);
    return index === -1 ? null : index;
  }

  /** @param {Chart} chart */
  show(chart) {
    this.#chart = chart;
    void this.#draw();
  }

  close() {
    this.#endTheme();
    this.#unmount();
  }

  /**
   * @param {string} label what the chart shows
   * @param {string} value what `index` shows, in words
   */
  template(label, value) {
    const chart = this.#chart;
    if (!chart) {
      return nothing;
    }
    queueMicrotask(() => this.#place());
    const last = chart.starts.length - 1;
    return html`<div
      class="time-chart"
      role="slider"
      tabindex="0"
      aria-label=${label}
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
    this.#plots.forEach((plot) => plot.destroy());
    this.#plots = [];
    this.#shape = "";
    this.#root = null;
  }

  async #draw() {
    try {
      const { default: uPlot } = await import("../vendor/uplot/uPlot.js");
      if (this.#chart && this.#root) {
        this.#build(uPlot, this.#chart, this.#root);
      }
    } catch (error) {
      this.error = error;
      this.#redraw();
    }
  }

  /** @param {typeof import("../vendor/uplot/uPlot.js").default} uPlot @param {Chart} chart @param {HTMLElement} root */
  #build(uPlot, chart, root) {
    const hosts = [...root.querySelectorAll(".panel")];
    const shape = JSON.stringify([chart.zone, chart.panels.map(({ lines, height }) => [height, lines.map((line) => [line.color, line.width, line.dash])])]);
    if (shape !== this.#shape || hosts.length !== this.#plots.length) {
      this.#shape = shape;
      this.#plots.forEach((plot) => plot.destroy());
      this.#colors = {};
      this.#plots = hosts.map((host, place) => new uPlot(this.#options(uPlot, chart, place), this.#data(place), /** @type {HTMLElement} */ (host)));
    } else {
      this.#plots.forEach((plot, place) => plot.setData(this.#data(place)));
    }
    this.#place();
  }

  /** @param {number} place @returns {import("../vendor/uplot/uPlot.js").default.AlignedData} */
  #data(place) {
    const { starts, ends, doneUntil, panels } = /** @type {Chart} */ (this.#chart);
    const middles = starts.map((start, index) => (start + ends[index]) / 2_000);
    // What is not complete is a line of its own, which begins where the other one ends.
    const lines = panels[place].lines.flatMap(({ values }) => [
      values.map((value, index) => (index < doneUntil ? value : null)),
      values.map((value, index) => (index < doneUntil - 1 ? null : value)),
    ]);
    return [middles, ...(lines.length === 0 ? [middles.map(() => null)] : lines)];
  }

  /**
   * @param {typeof import("../vendor/uplot/uPlot.js").default} uPlot
   * @param {Chart} chart
   * @param {number} place
   * @returns {import("../vendor/uplot/uPlot.js").default.Options}
   */
  #options(uPlot, chart, place) {
    const now = () => /** @type {Chart} */ (this.#chart);
    const isLast = place === chart.panels.length - 1;
    const axis = {
      stroke: () => this.#color("--muted"),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      ticks: { show: false },
    };
    const grid = { stroke: () => this.#color("--line"), width: 1 };
    const lines = chart.panels[place].lines.flatMap(({ color, width, dash }) => [
      { stroke: () => this.#color(color), width, dash, points: { size: width + 4, fill: () => this.#color(color) } },
      { stroke: () => this.#color(color), width, dash: [2, 4], points: { size: width + 4, fill: () => this.#color("--surface") } },
    ]);
    return {
      ...this.#size(place),
      padding: [8, RIGHT, isLast ? 0 : 8, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), chart.zone),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [now().starts[0] / 1000, (now().ends.at(-1) ?? 0) / 1000] },
        y: { range: () => now().panels[place].range },
      },
      axes: [
        { ...axis, show: isLast, size: TIMES, space: 64, values: LABELS, grid: { show: false }, gap: 4 },
        { ...axis, size: AXIS, space: 28, gap: 6, grid, values: (_, splits) => splits.map(now().panels[place].label) },
      ],
      series: [{}, ...(lines.length === 0 ? [{}] : lines)],
      hooks: { drawAxes: [(plot) => this.#paint(plot, now(), place)] },
    };
  }

  /** Draws the bars, and the line at zero. @param {Plot} plot @param {Chart} chart @param {number} place */
  #paint(plot, { starts, ends, doneUntil, panels }, place) {
    const { ctx } = plot;
    const { bars, range } = panels[place];
    const x = (/** @type {number} */ time) => plot.valToPos(time / 1000, "x", true);
    const y = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
    ctx.save();
    if (range[0] < 0 && range[1] > 0) {
      ctx.fillStyle = this.#color("--line-strong");
      ctx.fillRect(plot.bbox.left, Math.round(y(0)), plot.bbox.width, 1);
    }
    const gap = x(ends[0]) - x(starts[0]) > 6 ? 1 : 0;
    const bottoms = starts.map(() => 0);
    for (const { color, values } of bars) {
      ctx.fillStyle = this.#color(color);
      for (const [index, value] of values.entries()) {
        if (value) {
          const [left, right] = [Math.round(x(starts[index])) + gap, Math.round(x(ends[index])) - gap];
          const [low, high] = [y(bottoms[index]), y(bottoms[index] + value)];
          ctx.globalAlpha = index < doneUntil ? 1 : 0.4;
          // A hair of the background between two parts separates them without color.
          ctx.fillRect(left, high, Math.max(right - left, 1), Math.max(low - high - (low - high > 3 ? 1 : 0), 0.5));
          bottoms[index] += value;
        }
      }
    }
    ctx.restore();
  }

  /** @param {string} name */
  #color(name) {
    return (this.#colors[name] ??= colorOf(name));
  }

  #repaint() {
    this.#colors = {};
    this.#plots.forEach((plot) => plot.redraw(false));
  }

  /** @param {number} place */
  #size(place) {
    const isLast = place === (this.#chart?.panels.length ?? 0) - 1;
    return { width: Math.max(this.#root?.clientWidth ?? 0, 200), height: (this.#chart?.panels[place]?.height ?? 0) + (isLast ? TIMES : 0) };
  }

  #resize() {
    this.#plots.forEach((plot, place) => plot.setSize(this.#size(place)));
    this.#place();
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
      const { starts, ends } = this.#chart;
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
    const { starts, ends } = this.#chart;
    const box = this.#root.getBoundingClientRect();
    const share = (event.clientX - box.left - AXIS) / (box.width - AXIS - RIGHT);
    const time = starts[0] + share * ((ends.at(-1) ?? 0) - starts[0]);
    const index = starts.findLastIndex((start) => start <= time);
    return index === -1 || time > ends[index] ? null : index;
  }

  /** @param {number | null} index */
  #point(index) {
    const start = index === null ? null : (this.#chart?.starts[index] ?? null);
    if (start !== this.#hover) {
      this.#hover = start;
      this.#redraw();
    }
  }

  /** @param {number | null} index */
  #moveTo(index) {
    this.#hover = null;
    this.#cursor = index === null ? null : (this.#chart?.starts[index] ?? null);
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
    const count = this.#chart?.starts.length ?? 0;
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
