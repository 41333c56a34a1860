// A text with its sentences marked by their sentiments: underlines that differ in pattern, with a sign before each.
// Their looks are in `css/components.css`.

import { AsyncDirective } from "../vendor/lit-html/async-directive.js";
import { directive } from "../vendor/lit-html/directive.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { percent, plural } from "../core/format.js";
import { SENTIMENTS, named, word } from "./sentiment.js";

/**
 * A sentence of a prediction; `start` and `end` count Unicode scalar values.
 * @typedef {object} Sentence
 * @property {number} start
 * @property {number} end
 * @property {string | null} sentiment
 * @property {number | null} confidence
 * @property {Record<string, number>} scores
 */

/** Scripts that are written from right to left. */
const RIGHT_TO_LEFT = /^\P{L}*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

let instances = 0;

class MarkedText extends AsyncDirective {
  #text = "";
  /** @type {readonly Sentence[]} */
  #list = [];
  /** Of each sentence, the white space before it and its text. @type {{ gap: string, text: string }[]} */
  #pieces = [];
  #rest = "";
  #rightToLeft = false;
  #id = `sentence-${instances++}`;
  /** The sentence that Tab reaches. */
  #reached = 0;
  #focused = -1;
  #pointed = -1;

  /**
   * @param {string} text
   * @param {readonly Sentence[]} list
   */
  render(text, list) {
    if (text !== this.#text || list !== this.#list) {
      this.#cut(text, list);
    }
    return this.#template();
  }

  /** @param {string} text @param {readonly Sentence[]} list */
  #cut(text, list) {
    const characters = Array.from(text);
    const slice = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join("");
    let at = 0;
    this.#pieces = list.map(({ start, end }) => {
      const gap = slice(at, start);
      at = end;
      return { gap, text: slice(start, end) };
    });
    this.#rest = slice(at, characters.length);
    this.#text = text;
    this.#list = list;
    this.#rightToLeft = RIGHT_TO_LEFT.test(text);
    this.#pointed = -1;
    this.#focused = Math.min(this.#focused, list.length - 1);
    this.#reached = Math.max(this.#focused, 0);
  }

  #template() {
    return html`<div class="sentences">
      <ol
        role="list"
        class="marked"
        aria-label=${plural(this.#list.length, "sentence")}
        dir=${this.#rightToLeft ? "rtl" : "ltr"}
        @keydown=${this.#move}
        @focusin=${(/** @type {FocusEvent} */ event) => this.#show({ focused: indexOf(event.target) })}
        @focusout=${() => this.#show({ focused: -1 })}
        @pointerover=${(/** @type {PointerEvent} */ event) => this.#show({ pointed: indexOf(event.target) })}
        @pointerleave=${() => this.#show({ pointed: -1 })}
      >${this.#pieces.map((piece, index) => this.#sentence(piece, index))}${this.#rest}</ol>
      <p class="sentence-scores" id=${this.#id}>${this.#scores()}</p>
    </div>`;
  }

  /** @param {{ gap: string, text: string }} piece @param {number} index */
  #sentence({ gap, text }, index) {
    const { sentiment, confidence } = /** @type {Sentence} */ (this.#list[index]);
    const shown = index === this.#active();
    // No white space between the tags: that of the text is shown as it is.
    return html`${gap}<li
        class="sentence ${sentiment ?? "unmapped"} ${shown ? "shown" : ""}"
        data-index=${index}
        tabindex=${index === this.#reached ? 0 : -1}
        aria-describedby=${shown ? this.#id : nothing}
      ><span class="hidden">${word(sentiment)}${confidence === null ? "" : `, ${percent(confidence, 0)}`}: </span><bdi>${text}</bdi></li>`;
  }

  #scores() {
    const active = this.#active();
    const sentence = this.#list[active];
    if (!sentence) {
      return this.#list.length === 0
        ? nothing
        : html`<span class="muted">Point at a sentence, or move to it, for its own scores.</span>`;
    }
    return html`<span class="muted">Sentence ${active + 1} of ${this.#list.length}</span>
      ${SENTIMENTS.filter(({ id }) => sentence.scores[id] !== undefined).map(
        ({ id }) => html`<span class=${id === sentence.sentiment ? "own" : ""}>${named(id)} ${percent(sentence.scores[id])}</span>`,
      )}
      ${sentence.sentiment === null ? html`<span>${named(null)} ${percent(sentence.confidence)}</span>` : nothing}`;
  }

  /** The one whose scores are shown: that under the pointer before that with the focus. */
  #active() {
    return this.#pointed >= 0 ? this.#pointed : this.#focused;
  }

  /** @param {{ focused?: number, pointed?: number }} change */
  #show({ focused = this.#focused, pointed = this.#pointed }) {
    if (focused === this.#focused && pointed === this.#pointed) {
      return;
    }
    this.#focused = focused;
    this.#pointed = pointed;
    this.#reached = focused >= 0 ? focused : this.#reached;
    this.setValue(this.#template());
  }

  #move = (/** @type {KeyboardEvent} */ event) => {
    const last = this.#list.length - 1;
    const [back, on] = this.#rightToLeft ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
    const wanted = {
      [on]: Math.min(this.#focused + 1, last),
      [back]: Math.max(this.#focused - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (wanted === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const list = /** @type {HTMLElement} */ (event.currentTarget);
    /** @type {HTMLElement | null} */ (list.querySelector(`[data-index="${wanted}"]`))?.focus();
  };
}

/** @param {EventTarget | null} target @returns {number} of the sentence that `target` is in, else −1 */
function indexOf(target) {
  const sentence = target instanceof Element ? target.closest(".sentence") : null;
  return sentence instanceof HTMLElement ? Number(sentence.dataset.index) : -1;
}

const marked = directive(MarkedText);

/**
 * `text` with its sentences marked, and a line below with the scores of the one that is pointed at or has the focus.
 * Tab reaches one sentence; the left and right arrow keys, Home and End move to others.
 *
 * @param {string} text
 * @param {readonly Sentence[]} sentences as the API returns them
 * @returns {import("../vendor/lit-html/lit-html.js").TemplateResult}
 */
export function sentences(text, sentences) {
  return html`${marked(text, sentences)}`;
}
