// Example texts of a term, fetched by their ids when they are asked for, with the term marked.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ApiError, request } from "../../core/api.js";
import { ago, exact } from "../../core/format.js";
import { Load } from "../../core/load.js";
import { href } from "../../core/router.js";
import { mark } from "../../ui/sentiment.js";
import { failureLine, loading } from "../../ui/states.js";

/** @typedef {{ id: string, text: string | null, sentiment: string | null, created_at: string }} Example */

/** How many characters an example shows before the term, and after it. */
const [BEFORE, AFTER] = [120, 240];

export class Examples {
  #redraw;
  /** The examples of terms that were opened. @type {Map<string, Load<Example[]>>} */
  #loads = new Map();
  /** @type {Set<string>} */
  #open = new Set();

  /** @param {() => void} redraw */
  constructor(redraw) {
    this.#redraw = redraw;
  }

  /** @param {string} side @param {string} term */
  isOpen(side, term) {
    return this.#open.has(`${side} ${term}`);
  }

  /** Shows or hides the examples of a term. @param {string} side @param {string} term @param {readonly string[]} ids */
  toggle(side, term, ids) {
    const name = `${side} ${term}`;
    if (this.#open.delete(name)) {
      this.#redraw();
      return;
    }
    this.#open.add(name);
    const load = new Load(this.#redraw);
    this.#loads.get(name)?.stop();
    this.#loads.set(name, load);
    void load.run(async (signal) =>
      (await Promise.all(ids.map((id) => find(id, signal)))).filter((example) => example !== null),
    );
  }

  close() {
    this.#loads.forEach((load) => load.stop());
  }

  /** @param {string} side @param {string} term */
  template(side, term) {
    const load = this.#loads.get(`${side} ${term}`);
    if (load?.error) {
      return failureLine(load.error);
    }
    if (!load?.value) {
      return loading(3, "Loading examples");
    }
    if (load.value.length === 0) {
      return html`<p class="small muted">The examples have been deleted.</p>`;
    }
    return html`<ul class="examples">
      ${load.value.map(
        ({ id, text, sentiment, created_at: time }) => html`<li>
          ${mark(sentiment)}
          <p>
            <bdi>${text === null ? html`<span class="muted">The text is not stored.</span>` : excerpt(text, term)}</bdi>
            <a class="small" href=${href("history", { open: id })} title=${exact(time)}><span class="hidden">Open the text of </span>${ago(time)}</a>
          </p>
        </li>`,
      )}
    </ul>`;
  }
}

/**
 * A prediction by its id; null where it was deleted.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Example | null>}
 */
async function find(id, signal) {
  try {
    return await request("GET", `api/v1/predictions/${encodeURIComponent(id)}`, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return null;
    }
    throw error;
  }
}

/** The text around the term, which is marked wherever it occurs there. @param {string} text @param {string} term */
function excerpt(text, term) {
  const pattern = patternOf(term);
  const first = text.search(pattern);
  const begin = Math.max(first - BEFORE, 0);
  const end = Math.max(first, 0) + AFTER;
  // Whole characters: a cut between two halves of one would show neither.
  const part = text.slice(begin, end).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "");
  const parts = [];
  let done = 0;
  for (const { 0: found, index } of part.matchAll(new RegExp(pattern, "giu"))) {
    parts.push(part.slice(done, index), html`<mark>${found}</mark>`);
    done = index + found.length;
  }
  return html`${begin > 0 ? "…" : nothing}${parts}${part.slice(done)}${end < text.length ? "…" : nothing}`;
}

/**
 * Finds a term in a text as the service does: words are runs of letters and digits, in upper or lower case.
 *
 * @param {string} term
 */
function patternOf(term) {
  const words = term.split(" ").map((word) => word.replace(/[^\p{Alphabetic}\p{N}]/gu, "."));
  const inside = "[\\p{Alphabetic}\\p{N}]";
  return new RegExp(`(?<!${inside})${words.join("[^\\p{Alphabetic}\\p{N}]+")}(?!${inside})`, "iu");
}
