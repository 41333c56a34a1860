// The audit: who changed what, the newest first.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { request } from "../../core/api.js";
import { ago, exact, plural } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { icons } from "../../ui/icons.js";
import { empty, failure, failureLine, loading } from "../../ui/states.js";
import { ACTIONS } from "./words.js";

/**
 * @typedef {object} Line
 * @property {number | null} seq
 * @property {string} at
 * @property {string | null} tenant
 * @property {string} actor
 * @property {string | null} address
 * @property {string | null} request_id
 * @property {string} action
 * @property {string} target
 * @property {string | null} detail
 * @property {string | null} seal
 */

const PAGE = 20;

export class Audit {
  /** @type {Load<{ items: Line[], next_cursor: string | null }>} */
  #lines;
  #isInstance;

  /** @param {boolean} isInstance whether the caller sees all tenants @param {() => void} redraw */
  constructor(isInstance, redraw) {
    this.#lines = new Load(redraw);
    this.#isInstance = isInstance;
  }

  /** Reads the latest lines, as many as are shown. */
  refresh() {
    const limit = Math.min(100, Math.max(PAGE, this.#lines.value?.items.length ?? 0));
    void this.#lines.run((signal) => request("GET", "api/v1/audit", { query: { limit }, signal }));
  }

  async #more() {
    const before = this.#lines.value;
    if (this.#lines.loading) {
      return;
    }
    const lines = await this.#lines.run(async (signal) => {
      const page = await request("GET", "api/v1/audit", { query: { limit: PAGE, cursor: before?.next_cursor }, signal });
      return { ...page, items: [...(before?.items ?? []), ...page.items] };
    });
    if (lines && !lines.next_cursor) {
      // The button is gone with the last page.
      document.getElementById("audit-lines")?.focus({ preventScroll: true });
    }
  }

  stop() {
    this.#lines.stop();
  }

  /** @param {(id: string) => string | null} nameOf the name of a key by its id */
  template(nameOf) {
    const { value, error, first, loading: loads } = this.#lines;
    const sealed = value?.items.some(({ seal }) => seal !== null);
    return html`<section class="section" aria-labelledby="audit">
      <div class="section-head">
        <h2 id="audit">Audit</h2>
        ${value && value.items.length > 0 ? html`<span class="small muted lines">the latest ${plural(value.items.length, "line")}${this.#isInstance ? " of all tenants" : ""}${value.next_cursor ? "" : ", all there are"}</span>` : nothing}
        <button class="button small" @click=${() => this.refresh()} aria-disabled=${loads}>${icons.refresh}Read again</button>
      </div>
      <p class="small muted verify">
        Each change is appended with the change itself. On the service’s machine <code>undertone audit verify</code> checks that no line was changed, removed or moved${this.#isInstance && value && value.items.length > 0 && !sealed ? html`; these lines have no seal, because <code>audit.key</code> is not set` : html` where <code>audit.key</code> seals the lines`}.
      </p>
      ${first ? loading(5, "Loading the audit") : value === undefined ? failure(error, () => this.refresh()) : this.#table(value.items, nameOf)}
      ${value && error ? failureLine(error) : nothing}
      ${value?.next_cursor ? html`<button class="button more-lines" @click=${() => this.#more()} aria-disabled=${loads}>${loads ? "Loading…" : "Older lines"}</button>` : nothing}
    </section>`;
  }

  /** @param {Line[]} lines @param {(id: string) => string | null} nameOf */
  #table(lines, nameOf) {
    if (lines.length === 0) {
      return empty("Nothing was changed yet", this.#isInstance ? "Keys that are issued or revoked, models that are loaded or unloaded, tenants that are changed and predictions that are deleted appear here." : "Keys of this tenant that are issued or revoked, and predictions that are deleted, appear here.");
    }
    const head = ["When", "What", "Who", "From", ...(this.#isInstance ? ["Tenant", "Line"] : [])];
    return html`<div class="table-box" id="audit-lines" tabindex="0" role="region" aria-labelledby="audit">
      <table class="table audit">
        <caption class="hidden">Changes, the newest first</caption>
        <thead>
          <tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr>
        </thead>
        <tbody>
          ${lines.map(
            (line) => html`<tr>
              <td><time datetime=${line.at} title=${exact(line.at)}>${ago(line.at)}</time></td>
              <td>${ACTIONS[line.action] ?? line.action} ${target(line, nameOf)}${detail(line)}</td>
              <td>${actor(line.actor, nameOf)}</td>
              <td>${line.address ?? html`<span class="muted once">this machine</span>`}${line.request_id ? html`<code class="below" title="The request’s id, as in the log">${line.request_id}</code>` : nothing}</td>
              ${this.#isInstance ? html`<td>${line.tenant === null ? html`<span class="muted">whole service</span>` : html`<bdi>${line.tenant}</bdi>`}</td><td class="once" title=${line.seal ?? ""}>${line.seq} <span class="muted">${line.seal ? "sealed" : "no seal"}</span></td>` : nothing}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }
}

/** @param {Line} line @param {(id: string) => string | null} nameOf */
function target({ action, target }, nameOf) {
  const name = action.startsWith("key.") ? nameOf(target) : null;
  return name === null ? html`<code><bdi>${target}</bdi></code>` : html`<strong><bdi>${name}</bdi></strong> <code class="muted">${target}</code>`;
}

/** @param {Line} line */
function detail({ action, detail }) {
  if (detail === null) {
    return nothing;
  }
  return html`<span class="below small muted">${action === "key.replaced" ? "by " : ""}<bdi>${detail}</bdi></span>`;
}

/** @param {string} actor @param {(id: string) => string | null} nameOf */
function actor(actor, nameOf) {
  const [kind = "", ...rest] = actor.split(":");
  const id = rest.join(":");
  const kinds = /** @type {Record<string, string>} */ ({ key: "key", token: "token of", "command-line": "command line,", anonymous: "anyone: no key was required" });
  const name = kind === "key" ? nameOf(id) : null;
  return html`<span class="muted">${kinds[kind] ?? kind}</span> <bdi>${name ?? id}</bdi>${name === null ? nothing : html`<code class="below muted">${id}</code>`}`;
}
