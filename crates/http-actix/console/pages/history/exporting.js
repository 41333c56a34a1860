// What the page shows of exports: the menu that starts one, and how far it is.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ApiError } from "../../core/api.js";
import { bytes, plural } from "../../core/format.js";
import { copyButton } from "../../ui/copy.js";
import { icons } from "../../ui/icons.js";
import { failureLine } from "../../ui/states.js";
import { cancelExport, closeExport, exportCommand, isMuch, run, startExport } from "./export.js";
import { isFiltered } from "./filters.js";
import { menu } from "./menu.js";

/** @param {Record<string, string>} filters @param {string} tenant */
export function exportMenu(filters, tenant) {
  /** @param {import("./export.js").Format} format */
  const start = (format) => (/** @type {Event} */ event) => {
    /** @type {HTMLElement} */ (event.currentTarget).closest(/** @type {"div"} */ ("[popover]"))?.hidePopover();
    void startExport(format, filters);
  };
  const busy = run.state === "running";
  const body = html`<div class="stack">
    <p>${isFiltered(filters) ? "All predictions that match the filters" : "All predictions"}, oldest first, with their whole texts.</p>
    <div class="row">
      <button class="button" autofocus ?disabled=${busy} @click=${start("csv")}>CSV</button>
      <button class="button" ?disabled=${busy} @click=${start("jsonl")}>JSON lines</button>
    </div>
    <p class="small muted">In CSV, an apostrophe stands before texts that a spreadsheet would execute. ${busy ? "An export is running." : ""}</p>
    <p class="small muted">On the machine of the service this writes the same file:</p>
    <pre class="command">${exportCommand("csv", filters, tenant)}</pre>
    <div class="row end">${copyButton(exportCommand("csv", filters, tenant), "Copy command")}</div>
  </div>`;
  return menu({ id: "export", label: html`${icons.download}Export`, title: "Export", body });
}

/** How far the export is. @param {string} tenant */
export function exportStrip(tenant) {
  const close = html`<button class="icon-button" aria-label="Close" @click=${closeExport}>${icons.close}</button>`;
  const done = `${plural(run.rows, "row")}, ${bytes(run.bytes)}`;
  switch (run.state) {
    case "running":
      return html`<div class="export-strip" role="group" aria-label="Export">
        <span>Exporting ${run.format === "csv" ? "CSV" : "JSON lines"}: ${done}</span>
        <button class="button small" @click=${cancelExport}>Cancel</button>
        ${isMuch() ? memory(tenant) : nothing}
      </div>`;
    case "done":
      return html`<div class="export-strip"><span>The export is complete: ${done}.</span>${close}</div>`;
    case "failed":
      return html`<div class="export-strip">
        ${run.error instanceof ApiError || run.bytes === 0
          ? failureLine(run.error)
          : html`<p class="failure" role="alert"><strong>The export broke off.</strong> It is not complete and was not saved. Try again.</p>`}
        ${close}
      </div>`;
    default:
      return nothing;
  }
}

/** @param {string} tenant */
function memory(tenant) {
  const command = exportCommand(run.format, run.filters, tenant);
  return html`<p class="failure" role="alert">This browser holds the file in memory until it is complete, which may be too much for it. On the machine of the service, <code>undertone export</code> writes the same file.</p>
    ${copyButton(command, "Copy command")}`;
}
