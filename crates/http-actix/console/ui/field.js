// Fields of forms: a label, the control, and below it what to enter, or what is wrong with what was entered.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ifDefined } from "../vendor/lit-html/directives/if-defined.js";
import { ApiError } from "../core/api.js";
import { sentence } from "./states.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {unknown} label
 * @property {unknown} [hint]
 * @property {string | undefined} [error]
 * @property {string | number | null} [value] at first
 * @property {boolean} [required]
 * @property {boolean} [focus] whether the dialog begins here
 * @property {(event: Event) => void} [changed] after each change
 */

/** @param {string} name */
const idOf = (name) => `field-${name.replaceAll(".", "-")}`;

/**
 * @param {Field & { type?: string, placeholder?: string, min?: string | number, max?: string | number, pattern?: string, maxlength?: number }} field
 */
export function textField(field) {
  const { name, type = "text", focus = false, required = false } = field;
  return framed(
    field,
    html`<input
      id=${idOf(name)}
      name=${name}
      type=${type}
      value=${field.value ?? ""}
      placeholder=${ifDefined(field.placeholder)}
      min=${ifDefined(field.min)}
      max=${ifDefined(field.max)}
      pattern=${ifDefined(field.pattern)}
      maxlength=${ifDefined(field.maxlength)}
      autocomplete="off"
      autocapitalize="none"
      spellcheck="false"
      ?required=${required}
      ?autofocus=${focus}
      aria-invalid=${field.error ? "true" : "false"}
      aria-describedby=${ifDefined(noted(field))}
      @input=${field.changed ?? nothing}
    />`,
  );
}

/** @param {Field & { options: readonly (readonly [value: string, label: string])[] }} field */
export function choice(field) {
  const { name, options, value } = field;
  return framed(
    field,
    html`<select
      id=${idOf(name)}
      name=${name}
      aria-invalid=${field.error ? "true" : "false"}
      aria-describedby=${ifDefined(noted(field))}
      @change=${field.changed ?? nothing}
    >
      ${options.map(([option, label]) => html`<option value=${option} .selected=${option === value}>${label}</option>`)}
    </select>`,
  );
}

/** @param {Field} field @param {unknown} control */
function framed({ name, label, hint, error }, control) {
  const id = idOf(name);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${control}
    ${error || hint ? html`<p class=${error ? "note wrong" : "note"} id=${`${id}-note`}>${error ?? hint}</p>` : nothing}
  </div>`;
}

/** @param {Field} field */
function noted({ name, hint, error }) {
  return error || hint ? `${idOf(name)}-note` : undefined;
}

/** What `error` says about one of these members of the request, if it is about them. @param {unknown} error @param {...string} names */
export function errorAt(error, ...names) {
  if (!(error instanceof ApiError) || error.field === null || !names.includes(error.field)) {
    return undefined;
  }
  // The field is named above the message.
  const { field, message } = error;
  return sentence(message.startsWith(`${field} `) ? `this${message.slice(field.length)}` : message);
}

/** Puts the focus on the first field with an error, once it is drawn. @param {string} [within] a selector */
export function focusError(within = "dialog") {
  setTimeout(() => {
    const field = document.querySelector(`${within} [aria-invalid="true"]`);
    field instanceof HTMLElement && field.focus();
  }, 50);
}
