// The page History: the stored predictions, the newest first, with filters, live, and a drawer for each.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { plural } from "../../core/format.js";
import { href } from "../../core/router.js";
import { addShortcut } from "../../core/shortcuts.js";
import { icons } from "../../ui/icons.js";
import { word } from "../../ui/sentiment.js";
import { failure, loading } from "../../ui/states.js";
import { announce } from "../../ui/toasts.js";
import { deleteSoon, undoLatest } from "./deletion.js";
import { Detail } from "./detail.js";
import { exportMenu, exportStrip } from "./exporting.js";
import { chips, filterMenu, filtersOf, isFiltered, unknownFilters } from "./filters.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { Rows } from "./rows.js";
import { Search } from "./search.js";
import { above, noneMatches, noneStored, readSoFar } from "./words.js";

/** @typedef {import("../../types.d.ts").Context} Context */
/** @typedef {import("./filters.js").Filters} Filters */

/** How often times such as "4 min ago" are drawn again, in milliseconds. */
const AGO = 5_000;

/** After how long at a row it is said to screen readers, in milliseconds. */
const SAY_AFTER = 500;

/** From this width on list and drawer stand side by side. */
const WIDE = matchMedia("(min-width: 1200px)");

/** The open page, for the shortcuts. @type {HistoryPage | null} */
let opened = null;

addShortcut("j", "Next prediction of History", () => opened?.move(1));
addShortcut("k", "Previous prediction of History", () => opened?.move(-1));
addShortcut("z", "Undo the last deletion", undoLatest);

/**
 * @param {Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  return (opened = new HistoryPage(context));
}

class HistoryPage {
  /** @type {Context} */
  #context;
  /** @type {Filters} */
  #filters;
  #rows;
  #list;
  #live;
  /** @type {Detail | null} */
  #detail = null;
  #search;
  #ticking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saying = undefined;
  #stop = new AbortController();

  /** @param {Context} context */
  constructor(context) {
    const { redraw } = context;
    this.#context = context;
    this.#filters = filtersOf(context.params);
    this.#search = new Search(this.#filters.q ?? "", (words) => this.#find(words));
    this.#rows = new Rows(redraw);
    this.#list = new List(this.#rows, { address: (id) => this.#address(id), open: (id) => this.#open(id), redraw });
    this.#live = new Live({
      rows: this.#rows,
      mayMove: () => this.#list.isAtTop && this.#detail === null,
      deleted: (id) => this.#deleted(id),
      redraw,
    });
    this.#ticking = setInterval(() => document.hidden || redraw(), AGO);
    const options = { signal: this.#stop.signal };
    document.addEventListener("keydown", (event) => this.#key(event), options);
    window.addEventListener("scroll", () => this.#list.isAtTop && !this.#detail && this.#live.resume(), { passive: true, ...options });
    WIDE.addEventListener("change", redraw, options);
    this.#follow();
    void this.#restart();
  }

  close() {
    opened = null;
    this.#stop.abort();
    this.#rows.stop();
    this.#list.close();
    this.#live.close();
    this.#detail?.close();
    clearInterval(this.#ticking);
    clearTimeout(this.#saying);
    this.#search.stop();
  }

  navigated() {
    const filters = filtersOf(this.#context.params);
    if (JSON.stringify(filters) !== JSON.stringify(this.#filters)) {
      this.#search.show(filters.q ?? "");
      this.#filters = filters;
      void this.#restart();
    }
    this.#follow();
  }

  search() {
    this.#search.focus();
  }

  action() {
    return exportMenu(this.#filters, this.#context.me.tenant);
  }

  template() {
    const { waiting, gap } = this.#live;
    return html`<div class="history ${this.#detail && WIDE.matches ? "beside" : ""}">
        <div class="tools">
          ${this.#search.template()}
          ${filterMenu(this.#filters, this.#context, (filters) => this.#change(filters))}
          <button class="button live-toggle" aria-pressed=${!this.#live.paused} @click=${() => this.#pause()}><span class="dot" aria-hidden="true"></span>Live</button>
        </div>
        ${chips(this.#filters, (filters) => this.#change(filters))}
        ${unknownFilters(this.#context.params)}
        ${exportStrip(this.#context.me.tenant)}
        <p class="summary small muted">${readSoFar(this.#rows, this.#live.words)}</p>
        <div class="fresh-place">
          ${waiting > 0 || gap ? html`<button class="button primary small" @click=${() => this.#toNewest()}>${icons.up}${above(waiting, gap)}</button>` : nothing}
        </div>
        ${this.#content()}
      </div>
      ${this.#detail?.template(
        {
          close: () => this.#close(),
          move: (by) => this.move(by),
          remove: this.#context.can("predictions:delete") ? (id) => this.#remove(id) : null,
        },
        !WIDE.matches,
      ) ?? nothing}`;
  }

  #content() {
    const rows = this.#rows;
    if (rows.first) {
      return loading(12);
    }
    if (rows.next === undefined) {
      return html`${failure(rows.error, () => void this.#restart())}${
        isFiltered(this.#filters) ? html`<button class="button" @click=${() => this.#change({})}>Clear filters</button>` : nothing
      }`;
    }
    if (rows.count > 0 || rows.next) {
      requestAnimationFrame(() => this.#list.follow());
      return this.#list.template(this.#detail?.id ?? null, this.#live.fresh);
    }
    return isFiltered(this.#filters) ? noneMatches(() => this.#change({})) : noneStored(this.#context);
  }

  async #restart() {
    const done = await this.#rows.restart(this.#filters);
    if (done) {
      this.#live.restarted(this.#filters);
      if (isFiltered(this.#filters)) {
        const { count: read, next } = this.#rows;
        announce(`${plural(read, "prediction")} found${next ? ", and there are more" : ""}.`);
      }
    }
  }

  /** @param {Filters} filters @param {boolean} [replace] whether it adds no step to the browser's history */
  #change(filters, replace = false) {
    this.#search.stop();
    this.#search.show(filters.q ?? "");
    this.#list.toTop();
    this.#context.setParams(this.#detail ? { ...filters, open: this.#detail.id } : filters, { replace });
  }

  /** @param {string} words */
  #find(words) {
    const { q: _, ...others } = this.#filters;
    this.#change(words === "" ? others : { ...others, q: words }, true);
  }

  #pause() {
    this.#live.paused = !this.#live.paused;
    if (!this.#live.paused) {
      this.#live.resume();
    }
    this.#context.redraw();
  }

  async #toNewest() {
    this.#list.toTop();
    // Not a row: new ones wait while a row has the focus.
    document.getElementById("main")?.focus({ preventScroll: true });
    await this.#restart();
  }

  // The drawer

  /** @param {string} id @returns {string} the address with the drawer open */
  #address(id) {
    return href("history", { ...this.#filters, open: id });
  }

  /** @param {string} id */
  #open(id) {
    this.#context.setParams({ ...this.#filters, open: id }, { replace: this.#detail !== null });
  }

  /** Opens, changes or closes the drawer as the address says. */
  #follow() {
    const id = this.#context.params.get("open");
    if (id === (this.#detail?.id ?? null)) {
      return;
    }
    this.#detail?.close();
    const index = this.#rows.indexOf(id);
    this.#detail = id ? new Detail(id, index < 0 ? null : this.#rows.at(index), this.#context.redraw) : null;
  }

  #close() {
    const id = this.#detail?.id;
    this.#context.setParams(this.#filters, { replace: true });
    // The dialog leaves the document first, and takes the focus with it.
    requestAnimationFrame(() => (id && this.#rows.indexOf(id) >= 0 ? this.#list.focus(id) : document.getElementById("main")?.focus()));
  }

  /** Goes to the next row, or to the one before: opens it where the drawer is open. @param {number} by */
  move(by) {
    const from = this.#rows.indexOf(this.#detail?.id ?? this.#list.focused);
    const to = Math.max(0, from + by);
    const row = this.#rows.at(to);
    if (!row) {
      to < this.#rows.count ? this.#list.show(to) : void this.#rows.more();
      return;
    }
    if (!this.#detail) {
      this.#list.focus(row.id);
      return;
    }
    const inList = this.#list.focused !== null;
    this.#open(row.id);
    this.#list.show(to);
    if (inList) {
      this.#list.focus(row.id);
    } else {
      clearTimeout(this.#saying);
      this.#saying = setTimeout(() => announce(`${word(row.sentiment)}: ${row.text ?? "text not stored"}`), SAY_AFTER);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !(target instanceof Element)) {
      return;
    }
    if (event.key === "Escape" && this.#detail && !target.closest("dialog, [popover], input")) {
      event.preventDefault();
      this.#close();
    }
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    // Within the text the arrow keys scroll.
    if (arrow && (target.closest(".predictions") || (this.#detail && target.closest(".drawer header, .drawer footer")) || (this.#detail && target === document.body))) {
      event.preventDefault();
      this.move(arrow);
    }
  }

  /** @param {string} id */
  #remove(id) {
    const index = this.#rows.indexOf(id);
    const next = this.#rows.at(index + 1) ?? this.#rows.at(index - 1);
    const row = this.#rows.hide(id);
    deleteSoon(id, () => this.#rows.restore(id, row));
    // A modal drawer would cover the undo.
    if (index >= 0 && next && WIDE.matches) {
      this.#open(next.id);
      // The button that had the focus leaves the document.
      this.#list.focus(next.id);
    } else {
      this.#close();
    }
  }

  /** @param {string} id */
  #deleted(id) {
    this.#rows.remove(id);
    if (this.#detail?.id === id) {
      this.#detail.deleted();
    }
  }
}
