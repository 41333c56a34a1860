// Draws the panels of a chart over time with uPlot, in the colors of the theme.

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
 * @property {([number, number] | null)[]} [bands] the pale ranges behind the lines
 */

/** The times of buckets, in milliseconds. @typedef {{ starts: number[], ends: number[] }} Times */

/**
 * @typedef {object} Chart
 * @property {Times} read the buckets that can be read out
 * @property {Times} drawn those that are drawn: fewer, where there are more than a screen can show
 * @property {number} doneUntil the index of the first that is drawn and not complete
 * @property {string} zone
 * @property {Panel[]} panels
 */

/** The width of the axis of values, and the space at the right for half of the last label, in pixels. */
export const AXIS = 48;
export const RIGHT = 28;

/** The height of the time axis, in pixels; only the last panel has one. */
export const TIMES = 44;

const [HOUR, DAY] = [3_600, 86_400];

/** The distances of its labels, in seconds: none is shorter than a bucket. */
const STEPS = [
  900,
  1800,
  ...[1, 2, 3, 4, 6, 8, 12].map((n) => n * HOUR),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 30, 60, 90, 120, 180, 365, 730, 1825].map((n) => n * DAY),
];

/**
 * Labels of the time axis: the shortest distance between two in seconds, the label, and what follows it where a year,
 * month or day begins.
 */
const LABELS = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

/** The plots within `root`: one in each element of the class `panel`. */
export class Plots {
  #uPlot;
  #root;
  /** @type {Chart} */
  #chart;
  /** @type {Plot[]} */
  #plots = [];
  /** What the plots were made for; another number of lines needs others. */
  #shape = "";
  /** @type {Record<string, string>} */
  #colors = {};
  #endTheme = observeTheme(() => this.#repaint());

  /**
   * @param {typeof import("../vendor/uplot/uPlot.js").default} uPlot
   * @param {HTMLElement} root
   * @param {Chart} chart
   */
  constructor(uPlot, root, chart) {
    this.#uPlot = uPlot;
    this.#root = root;
    this.#chart = chart;
    this.draw(chart);
  }

  /** @param {Chart} chart */
  draw(chart) {
    this.#chart = chart;
    const hosts = [...this.#root.querySelectorAll(".panel")];
    const shape = JSON.stringify([
      chart.zone,
      chart.panels.map(({ lines, height }) => [height, lines.map(({ color, width, dash }) => [color, width, dash])]),
    ]);
    if (shape === this.#shape) {
      this.#plots.forEach((plot, place) => plot.setData(this.#data(place)));
      return;
    }
    this.#shape = shape;
    this.#destroyPlots();
    this.#plots = hosts.map(
      (host, place) => new this.#uPlot(this.#options(place), this.#data(place), /** @type {HTMLElement} */ (host)),
    );
  }

  resize() {
    this.#plots.forEach((plot, place) => plot.setSize(this.#size(place)));
  }

  destroy() {
    this.#endTheme();
    this.#destroyPlots();
  }

  #destroyPlots() {
    this.#plots.forEach((plot) => plot.destroy());
    this.#plots = [];
  }

  /** @param {number} place @returns {import("../vendor/uplot/uPlot.js").default.AlignedData} */
  #data(place) {
    const { drawn, doneUntil, panels } = this.#chart;
    const middles = drawn.starts.map((start, index) => (start + drawn.ends[index]) / 2_000);
    // What is not complete is a line of its own, which begins where the other one ends and is drawn below it.
    const lines = panels[place].lines.flatMap(({ values }) => [
      values.map((value, index) => (index < doneUntil - 1 ? null : value)),
      values.map((value, index) => (index < doneUntil ? value : null)),
    ]);
    return [middles, ...(lines.length === 0 ? [middles.map(() => null)] : lines)];
  }

  /** @param {number} place @returns {import("../vendor/uplot/uPlot.js").default.Options} */
  #options(place) {
    const chart = this.#chart;
    const isLast = place === chart.panels.length - 1;
    /** @type {import("../vendor/uplot/uPlot.js").default.Axis} */
    const axis = {
      stroke: () => this.#color("--muted"),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      ticks: { show: false },
    };
    const shortest = () =>
      0.9 * Math.min(...this.#chart.drawn.starts.map((start, index) => (this.#chart.drawn.ends[index] - start) / 1000));
    const grid = { stroke: () => this.#color("--line"), width: 1 };
    const lines = chart.panels[place].lines.flatMap(({ color, width, dash }) => [
      {
        stroke: () => this.#color(color),
        width,
        dash: [2, 4],
        points: { size: width + 4, fill: () => this.#color("--surface"), filter: lonely },
      },
      {
        stroke: () => this.#color(color),
        width,
        dash,
        points: { size: width + 4, fill: () => this.#color(color), filter: lonely },
      },
    ]);
    return {
      ...this.#size(place),
      padding: [8, RIGHT, isLast ? 0 : 8, 0],
      tzDate: (seconds) => this.#uPlot.tzDate(new Date(seconds * 1000), chart.zone),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [this.#chart.drawn.starts[0] / 1000, (this.#chart.drawn.ends.at(-1) ?? 0) / 1000] },
        y: { range: () => this.#chart.panels[place].range },
      },
      axes: [
        {
          ...axis,
          show: isLast,
          size: TIMES,
          space: 64,
          values: LABELS,
          incrs: () => STEPS.filter((step) => step >= shortest()),
          grid: { show: false },
          gap: 8,
        },
        {
          ...axis,
          size: AXIS,
          space: 28,
          gap: 6,
          grid,
          values: (_, splits) => splits.map(this.#chart.panels[place].label),
        },
      ],
      series: [{}, ...(lines.length === 0 ? [{}] : lines)],
      hooks: { drawAxes: [(plot) => this.#paint(plot, place)] },
    };
  }

  /** Draws the bars, the bands, and the line at zero. @param {Plot} plot @param {number} place */
  #paint(plot, place) {
    const { drawn, doneUntil, panels } = this.#chart;
    const { bars, range, bands = [] } = panels[place];
    const { ctx } = plot;
    const x = (/** @type {number} */ time) => Math.round(plot.valToPos(time / 1000, "x", true));
    const y = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
    ctx.save();
    if (range[0] < 0 && range[1] > 0) {
      ctx.fillStyle = this.#color("--line-strong");
      ctx.fillRect(plot.bbox.left, Math.round(y(0)), plot.bbox.width, 1);
    }
    const [lefts, rights] = [drawn.starts.map(x), drawn.ends.map(x)];
    ctx.fillStyle = this.#color("--ink");
    ctx.globalAlpha = 0.08;
    for (const [index, band] of bands.entries()) {
      if (band) {
        const [low, high] = band.map((value) => y(Math.min(Math.max(value, range[0]), range[1])));
        ctx.fillRect(lefts[index], high, rights[index] - lefts[index], low - high);
      }
    }
    const gap = rights[0] - lefts[0] > 6 ? 1 : 0;
    const bottoms = lefts.map(() => 0);
    for (const { color, values } of bars) {
      ctx.fillStyle = this.#color(color);
      for (const [index, value] of values.entries()) {
        if (value) {
          const [low, high] = [y(bottoms[index]), y(bottoms[index] + value)];
          // A hair of the background between two parts separates them without color.
          const hair = low - high > 3 ? 1 : 0;
          ctx.globalAlpha = index < doneUntil ? 1 : 0.4;
          ctx.fillRect(lefts[index] + gap, high, rights[index] - lefts[index] - 2 * gap, low - high - hair);
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
    const { panels } = this.#chart;
    const times = place === panels.length - 1 ? TIMES : 0;
    return { width: Math.max(this.#root.clientWidth, 200), height: panels[place].height + times };
  }
}

/**
 * The points that are drawn: where there is no room for all of them, those without neighbors, which no line shows.
 *
 * @param {Plot} plot
 * @param {number} series
 * @param {boolean} show whether there is room for all
 * @returns {number[] | null} null for all
 */
function lonely({ data }, series, show) {
  if (show) {
    return null;
  }
  const values = data[series];
  return Array.from(values.keys()).filter(
    (index) => values[index] !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null,
  );
}
