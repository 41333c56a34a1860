// Something that a page loads: its value, whether it is loading, and why it failed.

import { isAborted } from "./api.js";

/**
 * The latest `run` wins: the one before it is aborted, and its result is dropped.
 * @template T
 */
export class Load {
  /** @type {T | undefined} the latest value; remains while the next one loads or has failed */
  value = undefined;
  /** @type {unknown} */
  error = null;
  loading = false;
  /** @type {AbortController | null} */
  #running = null;
  /** @type {() => void} */
  #redraw;

  /** @param {() => void} redraw called after each change */
  constructor(redraw) {
    this.#redraw = redraw;
  }

  /** Whether there is neither a value nor an error yet. */
  get first() {
    return this.value === undefined && this.error === null;
  }

  /**
   * @param {(signal: AbortSignal) => Promise<T>} load
   * @returns {Promise<T | undefined>} undefined if it failed or was overtaken
   */
  async run(load) {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.loading = true;
    this.#redraw();
    try {
      const value = await load(running.signal);
      if (this.#running !== running) {
        return undefined;
      }
      this.value = value;
      this.error = null;
      return value;
    } catch (error) {
      if (this.#running === running && !isAborted(error)) {
        this.error = error;
      }
      return undefined;
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.loading = false;
        this.#redraw();
      }
    }
  }

  /** Aborts what is loading. */
  stop() {
    this.#running?.abort();
    this.#running = null;
    this.loading = false;
  }
}
