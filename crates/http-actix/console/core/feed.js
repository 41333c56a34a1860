// The live feed of events, read by `fetch`: an EventSource cannot send a key.

import { ApiError, isAborted, send } from "./api.js";

/**
 * A CloudEvent of the feed.
 * @typedef {object} FeedEvent
 * @property {string} type
 * @property {string} subject the prediction's id
 * @property {string} time
 * @property {Record<string, any>} data
 */

/** How often events are handed on, at most, in milliseconds: a page need not follow each of hundreds per second. */
const HAND_ON_EVERY = 250;

/** The pauses before connecting again, in milliseconds. */
const PAUSES = [1_000, 2_000, 5_000, 10_000];

/** @typedef {"connecting" | "live" | "waiting" | "refused"} FeedState */

/** Follows the feed, also across interruptions, until it is closed. */
export class Feed {
  /** @type {FeedState} */
  state = "connecting";
  /** @type {string | null} */
  #last = null;
  /** @type {FeedEvent[]} */
  #events = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;
  #stop = new AbortController();
  /** @type {{ events: (events: FeedEvent[]) => void, gap?: () => void, state?: (state: FeedState) => void }} */
  #observer;

  /**
   * @param {{ events: (events: FeedEvent[]) => void, gap?: () => void, state?: (state: FeedState) => void }} observer
   *   `events` gets those of the last quarter of a second, in order; `gap` says that events are missing for good
   */
  constructor(observer) {
    this.#observer = observer;
    void this.#follow();
  }

  /** Ends the connection. */
  close() {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  async #follow() {
    for (let failures = 0; !this.#stop.signal.aborted; failures += 1) {
      try {
        await this.#read();
        failures = 0;
      } catch (error) {
        if (isAborted(error)) {
          return;
        }
        if (error instanceof ApiError && error.status === 403) {
          this.#become("refused");
          return;
        }
      }
      this.#become("waiting");
      const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #read() {
    const headers = /** @type {Record<string, string>} */ ({ Accept: "text/event-stream" });
    if (this.#last !== null) {
      headers["Last-Event-ID"] = this.#last;
    }
    const response = await send("GET", "api/v1/events", { headers, signal: this.#stop.signal });
    if (response.body === null) {
      return;
    }
    this.#become("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const messages = (buffer + part.value).split("\n\n");
      buffer = messages.pop() ?? "";
      messages.forEach((message) => this.#take(message));
    }
  }

  /** @param {string} message the lines of one server-sent event */
  #take(message) {
    /** @type {Record<string, string>} */
    const fields = {};
    for (const line of message.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) {
        fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
      }
    }
    if (fields.id) {
      this.#last = fields.id;
    }
    if (fields.event === "gap") {
      this.#observer.gap?.();
    } else if (fields.data) {
      this.#events.push(JSON.parse(fields.data));
      this.#timer ??= setTimeout(() => this.#handOn(), HAND_ON_EVERY);
    }
  }

  #handOn() {
    this.#timer = undefined;
    this.#observer.events(this.#events.splice(0));
  }

  /** @param {FeedState} state */
  #become(state) {
    if (this.state !== state) {
      this.state = state;
      this.#observer.state?.(state);
    }
  }
}
