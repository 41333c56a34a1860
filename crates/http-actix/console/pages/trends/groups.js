// What the page knows of groups: the breakdown, the models for the filter, and the metadata keys to choose from.

import { request } from "../../core/api.js";
import { Load } from "../../core/load.js";
import { keysIn } from "./breakdown.js";

/** @typedef {import("./breakdown.js").Breakdown} Breakdown */

export class Groups {
  /** @type {Load<Breakdown>} */
  breakdown;
  /** The names of the models of the range. @type {Load<string[]>} */
  models;
  /** The metadata keys by which the service counts, as far as that is known. @type {Set<string>} */
  counted = new Set();
  /** Those of the newest texts. @type {Set<string>} */
  #seen = new Set();
  #redraw;

  /** @param {() => void} redraw */
  constructor(redraw) {
    this.#redraw = redraw;
    this.breakdown = new Load(redraw);
    this.models = new Load(redraw);
  }

  /** The metadata keys to suggest. @returns {string[]} */
  get suggested() {
    return [...new Set([...this.counted, ...this.#seen])];
  }

  /**
   * Breaks the range down.
   *
   * @param {string} by
   * @param {Record<string, string>} range `from` and `to`
   */
  async load(by, range) {
    /** @param {string} dimension @param {AbortSignal} signal @returns {Promise<Breakdown>} */
    const ask = (dimension, signal) =>
      request("GET", "api/v1/analytics/breakdown", { query: { by: dimension, ...range, limit: 100 }, signal });
    const shown = await this.breakdown.run((signal) => ask(by, signal));
    if (by !== "model") {
      (shown ? [by.slice(9)] : keysIn(this.breakdown.error)).forEach((key) => this.counted.add(key));
    }
    await this.models.run(async (signal) => {
      const { rows } = (by === "model" && shown) || (await ask("model", signal));
      return rows.map(({ key }) => key).filter((key) => key !== "(other)");
    });
  }

  /** Looks for metadata keys in the newest texts. */
  async suggest() {
    if (this.#seen.size === 0) {
      const page = await request("GET", "api/v1/predictions", { query: { limit: 20 } }).catch(() => ({ items: [] }));
      for (const { metadata } of page.items) {
        Object.keys(metadata ?? {}).forEach((key) => this.#seen.add(key));
      }
      this.#redraw();
    }
  }

  stop() {
    this.breakdown.stop();
    this.models.stop();
  }
}
