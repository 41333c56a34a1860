// The form that issues a key, or one that replaces another.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { Unreachable, request } from "../../core/api.js";
import { exact } from "../../core/format.js";
import { choice, errorAt, focusError, textField } from "../../ui/field.js";
import { drawer } from "../../ui/overlay.js";
import { failureLine } from "../../ui/states.js";
import { SCOPES } from "./words.js";

/** @typedef {import("./table.js").Key} Key */
/** @typedef {Key & { key: string }} IssuedKey */

const DAY = 86_400_000;

/** How long the replaced key stays valid, in seconds. */
const OVERLAPS = /** @type {const} */ ([
  ["0", "not at all"],
  ["3600", "an hour"],
  ["86400", "a day"],
  ["604800", "a week"],
  ["2592000", "30 days"],
]);

/** @type {readonly (readonly [member: string, part: "per_second" | "burst" | null, label: string, hint: string])[]} */
const LIMITS = [
  ["requests", "per_second", "Requests per second", "On average, on each replica."],
  ["requests", "burst", "Requests at once", "As many as per second unless given."],
  ["texts", "per_second", "Texts per second", "On average, on each replica."],
  ["texts", "burst", "Texts at once", "At least 1,000, a full batch, unless given."],
  ["concurrent", null, "Requests in progress", "At the same time, on each replica."],
  ["texts_per_day", null, "Texts per day", "From midnight to midnight (UTC), on all replicas."],
];

export class IssueForm {
  #grantable;
  /** @type {Key | undefined} */
  #replaced;
  #redraw;
  #close;
  #done;
  #busy = false;
  #noScope = false;
  /** @type {unknown} */
  #error = null;
  #ends;
  #date = "";

  /**
   * @param {object} options
   * @param {string[]} options.grantable the caller's scopes
   * @param {Key} [options.replaced]
   * @param {() => void} options.close
   * @param {(key: IssuedKey) => void} options.done
   * @param {() => void} redraw
   */
  constructor({ grantable, replaced, close, done }, redraw) {
    this.#grantable = grantable;
    this.#replaced = replaced;
    this.#close = close;
    this.#done = done;
    this.#redraw = redraw;
    this.#ends = replaced ? (replaced.expires_at === null ? "never" : "as-before") : "90";
  }

  /** How long the replaced key was to live, in milliseconds. */
  get #lifetime() {
    const { expires_at: ends = null, created_at: from = "" } = this.#replaced ?? {};
    return ends === null ? 0 : Date.parse(ends) - Date.parse(from);
  }

  /** @returns {Date | null} when the new key ends; null for never */
  #end() {
    if (this.#ends === "never") {
      return null;
    }
    if (this.#ends === "date") {
      const [year = 0, month = 1, day = 1] = this.#date.split("-").map(Number);
      // To the end of that day here.
      return this.#date === "" ? null : new Date(year, month - 1, day + 1);
    }
    return new Date(Date.now() + (this.#ends === "as-before" ? this.#lifetime : Number(this.#ends) * DAY));
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.#busy) {
      return;
    }
    const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const scopes = data.getAll("scopes");
    this.#noScope = scopes.length === 0;
    if (this.#noScope) {
      this.#redraw();
      document.querySelector("#scopes input")?.parentElement?.querySelector("input")?.focus();
      return;
    }
    const name = String(data.get("name")).trim();
    const limits = limitsOf(data);
    const body = {
      scopes,
      ...(name === "" ? {} : { name }),
      ...(this.#end() ? { expires_at: this.#end()?.toISOString() } : {}),
      ...(limits ? { limits } : {}),
      ...(this.#replaced ? { replaces: this.#replaced.id, overlap: Number(data.get("overlap")) } : {}),
    };
    this.#busy = true;
    this.#error = null;
    this.#redraw();
    try {
      this.#done(await request("POST", "api/v1/keys", { body }));
    } catch (error) {
      this.#error = error;
      focusError();
    }
    this.#busy = false;
    this.#redraw();
  }

  template() {
    const replaced = this.#replaced;
    const error = this.#error;
    const end = this.#end();
    const change = (/** @type {"ends" | "date"} */ member) => (/** @type {Event} */ event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      member === "ends" ? (this.#ends = value) : (this.#date = value);
      this.#redraw();
    };
    const named = ["name", "expires_at", "overlap", "scopes", ...LIMITS.flatMap(([member, part]) => [`limits.${member}`, `limits.${member}.${part}`])];
    const elsewhere = error && !errorAt(error, ...named);
    const ends = /** @type {[string, string][]} */ ([
      ...(replaced?.expires_at ? [["as-before", "after as long as the one before"]] : []),
      ["30", "in 30 days"],
      ["90", "in 90 days"],
      ["365", "in a year"],
      ["date", "at the end of a day…"],
      ["never", "never"],
    ]);
    const body = html`<form class="stack" id="issue-key" @submit=${(/** @type {SubmitEvent} */ event) => this.#submit(event)}>
      ${replaced
        ? html`<p>The new key takes the place of <strong><bdi>${replaced.name ?? replaced.id}</bdi></strong> (<code>${replaced.id}</code>). Bring it to its clients before the old one ends.</p>`
        : nothing}
      ${textField({ name: "name", label: "Name", value: replaced?.name ?? "", focus: true, maxlength: 128, placeholder: "checkout service", hint: "What the key is for. Give each program a key of its own.", error: errorAt(error, "name") })}
      ${replaced ? choice({ name: "overlap", label: "The old key stays valid for", value: "86400", options: OVERLAPS, error: errorAt(error, "overlap") }) : nothing}
      ${this.#scopes()}
      <div class="two">
        ${choice({ name: "ends", label: "Ends", value: this.#ends, options: ends, hint: end ? `On ${exact(end.toISOString())}.` : this.#ends === "never" ? "Until it is revoked." : undefined, error: errorAt(error, "expires_at"), changed: change("ends") })}
        ${this.#ends === "date" ? textField({ name: "date", label: "Day", type: "date", required: true, min: new Date().toISOString().slice(0, 10), value: this.#date, hint: "In your time zone.", changed: change("date") }) : nothing}
      </div>
      ${this.#limits()}
    </form>`;
    const footer = html`${elsewhere ? failureLine(error) : nothing}
      ${error instanceof Unreachable ? html`<p class="failure">The key may have been issued all the same: look for it in the list, and revoke it there before you try again.</p>` : nothing}
      <button class="button" type="button" @click=${this.#close}>Cancel</button>
      <button class="button primary" form="issue-key" aria-disabled=${this.#busy}>${this.#busy ? "One moment…" : replaced ? "Issue the successor" : "Issue the key"}</button>`;
    return drawer({ title: replaced ? "Rotate a key" : "Issue a key", body, footer, close: this.#close });
  }

  #scopes() {
    const preset = this.#replaced?.scopes ?? ["predictions:write", "predictions:read"];
    const lacking = (this.#replaced?.scopes ?? []).filter((scope) => !this.#grantable.includes(scope));
    const wrong = this.#noScope ? "Choose at least one scope." : errorAt(this.#error, "scopes");
    return html`<fieldset class="plain scopes" id="scopes" aria-describedby="scopes-note">
      <legend class="small muted">Scopes</legend>
      ${SCOPES.filter(([id]) => this.#grantable.includes(id)).map(
        ([id, words]) => html`<label class="check"><input type="checkbox" name="scopes" value=${id} ?checked=${preset.includes(id)} /><span><code>${id}</code> <span class="small muted">${words}</span></span></label>`,
      )}
      <p class=${wrong ? "note small wrong" : "note small muted"} id="scopes-note" role=${wrong ? "alert" : "note"}>
        ${wrong ?? html`These are the scopes that you have: others come from who has them, or from the command line.${lacking.length > 0 ? html` <strong>The old key also has ${lacking.join(", ")}, which you cannot pass on.</strong>` : nothing}`}
      </p>
    </fieldset>`;
  }

  #limits() {
    const had = this.#replaced?.limits;
    const value = (/** @type {string} */ member, /** @type {string | null} */ part) => {
      const limit = /** @type {any} */ (had)?.[member];
      return part === null ? limit : limit?.[part];
    };
    const wrong = LIMITS.some(([member, part]) => errorAt(this.#error, `limits.${member}`, `limits.${member}.${part}`));
    return html`<details class="fold" ?open=${wrong || Boolean(had)}>
      <summary>Limits</summary>
      <p class="small muted">Without them the key may use what its tenant may, and what yours may.</p>
      <div class="two">
        ${LIMITS.map(([member, part, label, hint]) =>
          textField({
            name: part ? `${member}.${part}` : member,
            type: "number",
            min: 1,
            label,
            hint,
            placeholder: "no limit",
            value: value(member, part) ?? "",
            error: errorAt(this.#error, `limits.${member}.${part}`, ...(part === "burst" ? [] : [`limits.${member}`])),
          }),
        )}
      </div>
    </details>`;
  }
}

/** @param {FormData} data @returns {Record<string, unknown> | null} the member `limits`; null where nothing is limited */
function limitsOf(data) {
  /** @type {Record<string, any>} */
  const limits = {};
  for (const [member, part] of LIMITS) {
    const value = data.get(part ? `${member}.${part}` : member);
    if (value) {
      limits[member] = part ? { ...limits[member], [part]: Number(value) } : Number(value);
    }
  }
  return Object.keys(limits).length > 0 ? limits : null;
}
