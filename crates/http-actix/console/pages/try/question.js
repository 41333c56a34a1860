// Asks the service what a text says: when the typing pauses, when it is wanted, and again where the service was busy.

import { ApiError, Unreachable, request } from "../../core/api.js";
import { Load } from "../../core/load.js";

/** The mark of the predictions that are made here. */
export const REF = "console";

/**
 * How long typing pauses before a text is sent, in milliseconds: after a sentence, and within one. Every answer is
 * stored, so that half a sentence is sent only where the pause is longer than those between words.
 */
const AFTER_SENTENCE = 300;
const WITHIN_SENTENCE = 700;

/** What ends a sentence, with what may follow it. */
const SENTENCE_END = /[.!?…。！？\n]["'”’»)\]]*\s*$/u;

/** When to try again where the service does not say when, in seconds. */
const RETRY_AFTER = 3;

/** Problems that pass by themselves. */
const PASSING = [
  "saturated",
  "unavailable",
  "deadline_exceeded",
  "rate_limited",
  "too_many_concurrent",
  "idempotency_in_progress",
];

/**
 * @typedef {object} Answer
 * @property {string} text
 * @property {Body} body what was sent, without the mark of the console
 * @property {Record<string, any>} prediction `POST /api/v1/predictions`
 * @property {number} seconds from the request to its response
 */

/** @typedef {{ text: string, model?: string, options: { granularity: "sentence" } }} Body */

/** What one model says; there is a second one while models are compared. */
class Side {
  /** @type {Load<Answer>} */
  load = new Load(() => question.changed());
  /** The model's name; null for the default model. @type {string | null} */
  model = null;
  /** The text that was sent last. */
  asked = "";
  /** The model that was asked last. @type {string | null} */
  askedOf = null;
  /** The idempotency key of what was asked last: asked again, it is not stored twice. */
  #key = "";
  /** When the request is sent again by itself, in milliseconds since 1970. @type {number | null} */
  againAt = null;
  /** @type {number | undefined} */
  #timer;

  /** @param {string} text */
  async ask(text) {
    const same = this.asked === text && this.askedOf === this.model;
    if (same && (this.load.loading || (this.load.value && !this.load.error))) {
      return;
    }
    this.#wait(null);
    if (!same) {
      this.#key = newKey();
    }
    this.asked = text;
    this.askedOf = this.model;
    /** @type {Body} */
    const body = { text, ...(this.model === null ? {} : { model: this.model }), options: { granularity: "sentence" } };
    let begun = 0;
    const sending = () => (begun = performance.now());
    const headers = { "Idempotency-Key": this.#key };
    const answer = await this.load.run(async (signal) => {
      const prediction = await request("POST", "api/v1/predictions", { body: { ...body, ref: REF }, headers, signal, sending });
      return { text, body, prediction, seconds: (performance.now() - begun) / 1000 };
    });
    if (answer) {
      question.answered();
    } else if (this.load.error && this.asked === text) {
      this.#failed(this.load.error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof ApiError && error.code === "too_long" && error.field === "text") {
      question.limit = Number(/at most (\d+)/.exec(error.message)?.[1] ?? question.limit);
      question.limitIsKnown = true;
    }
    if (error instanceof Unreachable || (error instanceof ApiError && PASSING.includes(error.code))) {
      const seconds = error instanceof ApiError ? error.retryAfter : null;
      this.#wait(Date.now() + 1000 * Math.max(seconds ?? RETRY_AFTER, 1));
    }
    question.changed();
  }

  /** Sends the request again at a time, and says every second how long that is. @param {number | null} at */
  #wait(at) {
    clearInterval(this.#timer);
    this.againAt = at;
    if (at !== null) {
      this.#timer = setInterval(() => (Date.now() >= at && !document.hidden ? void this.ask(this.asked) : question.changed()), 1000);
    }
  }

  /** Forgets what was asked. */
  clear() {
    this.pause();
    Object.assign(this.load, { value: undefined, error: null });
    this.asked = "";
  }

  /** Stops what runs; the answer stays. */
  pause() {
    this.#wait(null);
    if (this.load.loading) {
      this.asked = "";
    }
    this.load.stop();
  }

  /** Why the text itself was refused: shown at the field. @returns {ApiError | null} */
  get refusal() {
    const { error } = this.load;
    const ofText = error instanceof ApiError && (error.field === "text" || error.code === "body_too_large");
    return ofText ? error : null;
  }
}

/**
 * Returns 128 random bits as text. `crypto.randomUUID` exists on secure pages only.
 *
 * @returns {string}
 */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where the choice to answer while typing is stored, for this browser. */
const STORED_AS = "undertone.try.typing";

/** The text and its answers: in memory alone, so that they are still there when the page is opened again. */
export const question = {
  text: "",
  /** The most characters of a text, as far as the service has said. */
  limit: 10_000,
  limitIsKnown: false,
  /** @type {readonly [Side, Side]} */
  sides: [new Side(), new Side()],
  comparing: false,
  /** Called after each change, and after each answer; the open page sets them. */
  changed: () => {},
  answered: () => {},
  /** @type {number | undefined} */
  timer: undefined,

  /** The sides that are shown. @returns {readonly Side[]} */
  get shown() {
    return this.comparing ? this.sides : this.sides.slice(0, 1);
  },

  get blank() {
    return this.text.trim() === "";
  },

  /** Whether an answer on the page is that of another text. */
  get stale() {
    return this.shown.some((side) => side.asked !== this.text);
  },

  get loading() {
    return this.shown.some((side) => side.load.loading);
  },

  /** Whether the service would refuse the text for its length, as it has done before. */
  get tooLong() {
    return this.limitIsKnown && this.length > this.limit;
  },

  /** Unicode scalar values, as the service counts them. */
  get length() {
    return this.text.length <= this.limit / 2 ? this.text.length : Array.from(this.text).length;
  },

  /** @param {string} text @param {{ whole?: boolean, typing?: boolean }} [options] `whole`: it is not being typed */
  write(text, { whole = false, typing = false } = {}) {
    this.text = text;
    clearTimeout(this.timer);
    if (this.blank) {
      for (const side of this.sides) {
        side.clear();
      }
    } else if (whole) {
      this.ask();
    } else if (typing && answersTyping()) {
      this.timer = setTimeout(() => this.ask(), SENTENCE_END.test(text) ? AFTER_SENTENCE : WITHIN_SENTENCE);
    }
    this.changed();
  },

  /** Asks now. */
  ask() {
    clearTimeout(this.timer);
    if (!this.blank && !this.tooLong) {
      for (const side of this.shown) {
        void side.ask(this.text);
      }
    }
  },

  /** Stops what runs. */
  pause() {
    clearTimeout(this.timer);
    for (const side of this.sides) {
      side.pause();
    }
  },
};

/** @returns {boolean} whether texts are answered while they are typed */
export function answersTyping() {
  return localStorage.getItem(STORED_AS) !== "off";
}

/** @param {boolean} on */
export function answerTyping(on) {
  localStorage.setItem(STORED_AS, on ? "on" : "off");
}
