// The page Models: what is served, how it was checked, and, where allowed, loading and unloading.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { request } from "../../core/api.js";
import { plural } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { Confirmation } from "../../ui/confirm.js";
import { icons } from "../../ui/icons.js";
import { empty, failure, failureLine, loading } from "../../ui/states.js";
import { card, pendingCard } from "./card.js";
import { LoadForm } from "./form.js";
import { dismiss, isTurnedOff, observers, pending, turnedOff, unload } from "./loads.js";

/** @typedef {import("./card.js").Model} Model */
/** @typedef {{ rows: import("./card.js").Answers[], from: string }} Breakdown */

/** How often the page asks again while it is visible, in milliseconds. */
const EVERY = 20_000;

const QUARTER = 15 * 60_000;
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  /** @type {Load<Model[]>} */
  const models = new Load(context.redraw);
  /** @type {Load<Breakdown>} */
  const answers = new Load(context.redraw);
  /** @type {LoadForm | Confirmation | null} */
  let overlay = null;
  const isAnonymous = context.me.authentication === "none";
  const mayChange = context.can("models:write") || isAnonymous;
  const served = () => (models.value ?? []).map(({ name }) => name);

  const refresh = async () => {
    const listed = models.run(async (signal) => (await request("GET", "api/v1/models", { signal })).items);
    if (context.can("predictions:read")) {
      // The service counts by quarters of an hour: the range begins with one.
      const from = new Date(Math.floor((Date.now() - 4 * QUARTER) / QUARTER) * QUARTER).toISOString();
      void answers.run((signal) => request("GET", "api/v1/analytics/breakdown", { query: { by: "model", from, limit: 100 }, signal }));
    }
    await listed;
  };
  const close = () => {
    overlay = null;
    context.redraw();
  };
  /** @param {{ draft?: import("./loads.js").Draft, name?: string }} start */
  const openForm = (start) => {
    overlay = new LoadForm({ ...start, served, close }, context.redraw);
    context.redraw();
  };
  /** @param {Model} model */
  const askToUnload = ({ name }) => {
    const text = html`<p>Requests that name <strong><bdi>${name}</bdi></strong> are refused from then on; those in progress complete. Its predictions stay.</p>`;
    const question = { title: "Unload this model?", text, names: [name], label: "Type the name of the model", action: "Unload the model", run: () => unload(name).then(refresh), close };
    overlay = new Confirmation(question, context.redraw);
    context.redraw();
  };

  let waited = 0;
  const ticking = setInterval(() => {
    if (document.hidden) {
      return;
    }
    if (pending.size > 0) {
      context.redraw();
    }
    waited += 1_000;
    if (waited >= EVERY) {
      waited = 0;
      void refresh();
    }
  }, 1_000);
  const changed = () => (void refresh(), context.redraw());
  observers.add(changed);
  void refresh();

  /** @param {Model} model */
  const modelCard = (model) => {
    const { value } = answers;
    const row = value && (value.rows.find(({ key }) => key === model.name) ?? null);
    return card(model, {
      answers: row,
      since: value ? TIME.format(Date.parse(value.from)) : "",
      canTry: context.can("predictions:write"),
      unload: mayChange ? () => askToUnload(model) : null,
      replace: mayChange ? () => openForm({ name: model.name }) : null,
    });
  };

  const content = () => {
    if (models.first) {
      return loading(8, "Loading the models");
    }
    if (models.value === undefined) {
      return failure(models.error, () => void refresh());
    }
    if (models.value.length === 0 && pending.size === 0) {
      return empty("No model is served yet", "The service is still loading its models: they appear here by themselves. Service shows whether it is ready.");
    }
    return html`<p class="muted">${plural(models.value.length, "model")} served.</p>
      ${models.error ? failureLine(models.error) : nothing}
      <div class="models">
        ${[...pending].filter(([, { error }]) => !isTurnedOff(error)).map(([name, state]) => pendingCard(state, { edit: () => openForm({ draft: state.draft }), dismiss: () => dismiss(name) }))}
        ${repeat(models.value, ({ name }) => name, modelCard)}
      </div>
      ${answers.error ? html`<p class="small muted">The answers of the last hour cannot be shown now.</p>` : nothing}`;
  };

  return {
    template: () => html`${turnedOff.found ? changesAreOff(isAnonymous) : nothing} ${content()} ${overlay?.template() ?? nothing}`,
    action: () => (mayChange ? html`<button class="button primary" @click=${() => openForm({})}>${icons.plus}Load a model</button>` : nothing),
    close: () => {
      clearInterval(ticking);
      observers.delete(changed);
      models.stop();
      answers.stop();
    },
  };
}

/** @param {boolean} isAnonymous */
function changesAreOff(isAnonymous) {
  return html`<div class="notice-box" role="status">
    <p><strong>Changes of models are turned off.</strong> ${isAnonymous
      ? html`Start the service with <code>server.model_changes = true</code> to load and unload models here; do so only where everyone who reaches the service is trusted. Or <code>auth.mode = "required"</code>, and a key with <code>models:write</code>.`
      : "The configuration of the service does not allow them."}</p>
  </div>`;
}
