// The page Try: a text, and what the service says of it.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ref } from "../../vendor/lit-html/directives/ref.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { count } from "../../core/format.js";
import { href } from "../../core/router.js";
import { explain, failure, loading } from "../../ui/states.js";
import { announce } from "../../ui/toasts.js";
import { answerTemplate, spoken } from "./answer.js";
import { Models, modelChoices } from "./models.js";
import { REF, answerTyping, answersTyping, question } from "./question.js";

/** Texts to begin with. */
const EXAMPLES = [
  "This is the best coffee I have had in years.",
  "The camera is wonderful. The battery is a disaster.",
  "The parcel was left at the wrong door, and no one answers my calls.",
];

/** The share of the limit from which the characters are counted. */
const NEAR = 0.9;

/** How often an answer is announced at most, in milliseconds. */
const ANNOUNCE_EVERY = 1_000;

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  const models = new Models(context);
  /** @type {HTMLTextAreaElement | null} */
  let field = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let announcing;

  question.changed = () => context.redraw();
  question.answered = () => {
    announcing ??= setTimeout(() => {
      announcing = undefined;
      announce(said());
    }, ANNOUNCE_EVERY);
  };
  models.navigated();
  window.addEventListener("resize", grow);

  return {
    template: () => html`<div class="try">${form()} ${answers()}</div>`,
    navigated: () => models.navigated(),
    search: () => field?.focus(),
    close: () => {
      clearTimeout(announcing);
      window.removeEventListener("resize", grow);
      question.pause();
      question.changed = () => {};
      question.answered = () => {};
    },
  };

  /** @returns {string} such as `positive, 93%` */
  function said() {
    const values = question.shown.flatMap(({ load }) => (load.value && !load.error ? [load.value.prediction] : []));
    return values.map((value) => (values.length > 1 ? `${value.model.name}: ${spoken(value)}` : spoken(value))).join("; ");
  }

  function form() {
    const { length, limit, tooLong } = question;
    const wrong = tooLong ? `The text is too long: at most ${count(limit)} characters are allowed.` : refused();
    return html`<form class="try-form" @submit=${submit}>
      <label class="field">
        <span>Text to classify</span>
        <textarea
          rows="3"
          dir="auto"
          spellcheck="false"
          aria-describedby="try-below try-stored"
          aria-invalid=${wrong === "" ? "false" : "true"}
          .value=${live(question.text)}
          ${ref(attach)}
          @input=${typed}
          @compositionend=${typed}
          @keydown=${enter}
        ></textarea>
      </label>
      <div class="try-below" id="try-below">
        ${wrong === "" ? html`<p class="small muted">${hint()}</p>` : html`<p class="small wrong" role="alert">${wrong}</p>`}
        <p class="small count ${tooLong ? "wrong" : "muted"}">
          ${length >= limit * NEAR ? html`${count(length)} of ${count(limit)} characters` : question.loading ? html`<span class="late">Classifying…</span>` : nothing}
        </p>
      </div>
      <div class="try-controls">
        <button class="button primary">Classify</button>
        <label class="check"><input type="checkbox" .checked=${live(answersTyping())} @change=${switchTyping} /> Answer while I type</label>
        ${modelChoices(models)}
      </div>
      <p class="small muted" id="try-stored">
        Every answer is stored${answersTyping() ? ", also those of unfinished texts" : ""}, under the reference
        ${context.can("predictions:read") ? html`<a href=${href("history", { ref: REF })}>${REF}</a>` : html`<code>${REF}</code>`}.
      </p>
    </form>`;
  }

  /** Why the service refused the text; empty where it did not. @returns {string} */
  function refused() {
    const refusal = question.stale ? null : question.shown.find((side) => side.refusal)?.refusal;
    return refusal ? explain(refusal).advice : "";
  }

  /** What the keys do. */
  function hint() {
    const changed = !question.blank && question.stale && question.sides[0].asked !== "";
    return changed && !answersTyping()
      ? html`The text has changed: press <kbd>Enter</kbd> to classify it.`
      : html`<span class="keys"><kbd>Enter</kbd> classifies, <kbd>Shift</kbd> + <kbd>Enter</kbd> begins a new line.</span>`;
  }

  function answers() {
    if (question.blank) {
      return examples();
    }
    return html`<div class="try-answers ${question.comparing ? "two" : ""}">
      ${question.shown.map((side) => html`<section class="card try-answer" aria-busy=${side.load.loading}>${sideTemplate(side)}</section>`)}
    </div>`;
  }

  /** @param {typeof question.shown[number]} side */
  function sideTemplate(side) {
    const { load } = side;
    const heading = question.comparing
      ? html`<h2 class="small"><bdi>${load.value?.prediction.model.name ?? side.model ?? models.nameOf(side.model)}</bdi></h2>`
      : html`<h2 class="hidden">Answer</h2>`;
    return html`${heading} ${sideContent(side)}`;
  }

  /** @param {typeof question.shown[number]} side */
  function sideContent(side) {
    const { error, value } = side.load;
    if (side.refusal || question.tooLong) {
      return html`<p class="muted">The answer appears here once the text is accepted.</p>`;
    }
    if (error) {
      const again = side.againAt === null ? null : Math.max(Math.ceil((side.againAt - Date.now()) / 1000), 0);
      return html`${failure(error, () => void side.ask(question.text))}
      ${again === null ? nothing : html`<p class="small muted">${again === 0 ? "Trying again…" : `The page tries again by itself in ${again} s.`}</p>`}`;
    }
    if (!value) {
      return side.load.loading
        ? loading(4, "Classifying")
        : html`<p class="muted">${answersTyping() ? "The answer appears here when you pause." : "Press Enter to see the answer here."}</p>`;
    }
    return answerTemplate(value, {
      precision: models.find(value.prediction.model.name)?.precision ?? null,
      authenticated: context.me.authentication !== "none",
    });
  }

  function examples() {
    return html`<section class="try-examples">
      <h2>Or begin with an example</h2>
      <ul>
        ${EXAMPLES.map((text) => html`<li><button class="button example" @click=${() => choose(text)}>${text}</button></li>`)}
      </ul>
    </section>`;
  }

  /** @param {string} text */
  function choose(text) {
    question.write(text, { whole: true });
    field?.focus();
    requestAnimationFrame(grow);
  }

  /** @param {Element | undefined} element */
  function attach(element) {
    if (element === field) {
      return;
    }
    field = element instanceof HTMLTextAreaElement ? element : null;
    queueMicrotask(() => {
      grow();
      // On a touch screen the keyboard would cover the page.
      if (field && !matchMedia("(pointer: coarse)").matches && !document.querySelector("dialog[open]")) {
        field.focus({ preventScroll: true });
        field.setSelectionRange(field.value.length, field.value.length);
      }
    });
  }

  /** Makes the field as high as its text, up to what the style allows. */
  function grow() {
    if (field) {
      field.style.height = "auto";
      field.style.height = `${field.scrollHeight + 2}px`;
    }
  }

  /** @param {Event} event */
  function typed(event) {
    const composing = event instanceof InputEvent && event.isComposing;
    const pasted = event instanceof InputEvent && event.inputType === "insertFromPaste";
    question.write(/** @type {HTMLTextAreaElement} */ (event.target).value, { typing: !composing, whole: pasted && answersTyping() });
    grow();
  }

  /** @param {KeyboardEvent} event */
  function enter(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      question.ask();
    }
  }

  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    question.blank ? field?.focus() : question.ask();
  }

  /** @param {Event} event */
  function switchTyping(event) {
    answerTyping(/** @type {HTMLInputElement} */ (event.target).checked);
    question.write(question.text, { typing: true });
  }
}
