// The page Keys: the keys of the tenant, and the audit.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { request } from "../../core/api.js";
import { count, plural } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { Confirmation } from "../../ui/confirm.js";
import { icons } from "../../ui/icons.js";
import { empty, failure, failureLine, loading } from "../../ui/states.js";
import { toast } from "../../ui/toasts.js";
import { Audit } from "./audit.js";
import { IssueForm } from "./issue.js";
import { secretDrawer, show } from "./secret.js";
import { keyTable } from "./table.js";

/** @typedef {import("./table.js").Key} Key */

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  const { me, redraw } = context;
  const mayAdmin = context.can("keys:admin");
  const own = me.key?.id ?? null;
  /** @type {Load<Key[]>} */
  const keys = new Load(redraw);
  const audit = new Audit(context.can("audit:instance"), redraw);
  /** @type {IssueForm | Confirmation | null} */
  let overlay = null;
  let search = "";

  const refresh = async () => {
    audit.refresh();
    if (mayAdmin) {
      await keys.run(async (signal) => (await request("GET", "api/v1/keys", { signal })).items);
    }
  };
  const close = () => {
    overlay = null;
    redraw();
  };
  /** @param {Key} [replaced] */
  const openForm = (replaced) => {
    const done = (/** @type {import("./issue.js").IssuedKey} */ key) => {
      overlay = null;
      show(key);
      void refresh();
      redraw();
    };
    overlay = new IssueForm({ grantable: me.scopes, replaced, close, done }, redraw);
    redraw();
  };
  /** @param {Key} key */
  const askToRevoke = (key) => {
    const called = key.name ?? key.id;
    const run = async () => {
      await request("DELETE", `api/v1/keys/${key.id}`);
      toast(`The key ${called} is revoked. Every replica refuses it within five seconds.`);
      // The focus goes back once the row is as it is now.
      await refresh();
    };
    overlay = new Confirmation({ title: "Revoke this key?", text: warning(key, own), names: key.name === null ? [key.id] : [key.name, key.id], label: key.name === null ? html`Type its id, <code>${key.id}</code>` : html`Type its name, or its id <code>${key.id}</code>`, action: "Revoke the key", run, close }, redraw);
    redraw();
  };
  /** @param {string} id */
  const nameOf = (id) => keys.value?.find((key) => key.id === id)?.name ?? null;
  const showsEnded = () => context.params.get("show") === "all";

  const list = () => {
    if (keys.first) {
      return loading(6, "Loading the keys");
    }
    if (keys.value === undefined) {
      return failure(keys.error, () => void refresh());
    }
    const all = keys.value;
    if (all.length === 0) {
      return empty("There is no key yet", "Each program that sends texts gets a key of its own, with the fewest scopes that it needs and an end.", html`<button class="button" @click=${() => openForm()}>Issue the first key</button>`);
    }
    const wanted = search.trim().toLowerCase();
    const shown = all.filter((key) => (showsEnded() || key.status === "active") && `${key.name ?? ""} ${key.id} ${key.scopes.join(" ")}`.toLowerCase().includes(wanted));
    const active = all.filter(({ status }) => status === "active").length;
    const choose = (/** @type {string} */ value) => () => context.setParams(value === "all" ? { show: "all" } : {}, { replace: true });
    return html`<div class="row key-filters">
        <div class="segmented words" role="group" aria-label="Which keys">
          <button aria-pressed=${!showsEnded()} @click=${choose("active")}>Active ${count(active)}</button>
          <button aria-pressed=${showsEnded()} @click=${choose("all")}>All ${count(all.length)}</button>
        </div>
        <input type="search" id="key-search" aria-label="Search keys by name, id or scope" placeholder="Name, id or scope" autocomplete="off" spellcheck="false" .value=${search} @input=${(/** @type {Event} */ event) => ((search = /** @type {HTMLInputElement} */ (event.target).value), redraw())} />
        <span class="small muted" role="status">${wanted ? plural(shown.length, "key") : nothing}</span>
      </div>
      ${keys.error ? failureLine(keys.error) : nothing}
      ${shown.length > 0 ? keyTable(shown, { own, rotate: openForm, revoke: askToRevoke }) : html`<p class="muted none">${wanted ? "No key has this name, id or scope." : "All keys have ended."}</p>`}`;
  };

  void refresh();
  return {
    template: () => html`${me.authentication === "none" ? notRequired() : nothing}
      ${mayAdmin ? list() : html`<p class="muted">This key reads the audit. To see and issue keys it would need the scope <code>keys:admin</code>.</p>`}
      ${audit.template(nameOf)} ${overlay?.template() ?? nothing} ${secretDrawer(redraw)}`,
    action: () => (mayAdmin ? html`<button class="button primary" @click=${() => openForm()}>${icons.plus}Issue a key</button>` : nothing),
    search: () => document.getElementById("key-search")?.focus(),
    close: () => {
      keys.stop();
      audit.stop();
    },
  };
}

/** @param {Key} key @param {string | null} own */
function warning({ id, name, last_used_at: used }, own) {
  return html`<p><strong><bdi>${name ?? id}</bdi></strong> is refused within five seconds on every replica, and its open streams end. This cannot be undone.</p>
    ${id === own ? html`<p class="failure"><strong>This console uses the key.</strong> It will ask for another one.</p>` : nothing}
    ${used === null || Date.now() - Date.parse(used) > 3_600_000 ? nothing : html`<p class="failure">It was used within the last hour: a client may still need it.</p>`}`;
}

function notRequired() {
  return html`<div class="notice-box">
    <p><strong>Keys have no effect yet: the service requires no authentication.</strong> Everyone who reaches this address acts for the tenant <code>default</code>, and can issue keys here.</p>
    <details class="fold">
      <summary>How to require keys</summary>
      <ol class="steps">
        <li>Issue a key for each client, and one with <code>keys:admin</code> for yourself; revoke keys that you do not know.</li>
        <li>Set <code>auth.mode = "required"</code> in the configuration, or start the service with <code>--set auth.mode=required</code>, on every replica.</li>
        <li>This console then asks for a key.</li>
      </ol>
    </details>
  </div>`;
}
