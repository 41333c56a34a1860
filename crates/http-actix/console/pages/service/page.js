// The page Service: how it does now, its parts, and what the caller may use.

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { address, request } from "../../core/api.js";
import { duration } from "../../core/format.js";
import { health, observeHealth, seen } from "../../core/health.js";
import { Load } from "../../core/load.js";
import { copyButton } from "../../ui/copy.js";
import { icons } from "../../ui/icons.js";
import { failure, failureLine, loading } from "../../ui/states.js";
import { figures } from "./figures.js";
import { usageOf } from "./usage.js";
import { latest, metrics, watch } from "./watch.js";

/** @typedef {import("./usage.js").Usage} Usage */

/** How often the use is asked for while the page is visible, in milliseconds. */
const EVERY = 30_000;

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** What the parts are, in words. @type {Record<string, string>} */
const PARTS = { store: "the database", model: "the engines of all models", events: "the feed of events and what it is sent to" };

/** @type {Record<string, { sign: string, words: string }>} */
const STATES = {
  healthy: { sign: "✓", words: "healthy" },
  degraded: { sign: "!", words: "degraded" },
  unhealthy: { sign: "×", words: "unhealthy" },
};

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  /** @type {Load<Usage>} */
  const usage = new Load(context.redraw);
  const refresh = () => void usage.run((signal) => request("GET", "api/v1/usage", { signal }));
  let stop = watch(context.redraw);
  const again = () => {
    stop();
    metrics.state = "unknown";
    stop = watch(context.redraw);
    context.redraw();
  };
  const ticking = setInterval(() => document.hidden || refresh(), EVERY);
  const forget = observeHealth(context.redraw);
  refresh();
  return {
    template: () => html`${now(again)}
      <section class="section" aria-labelledby="parts">
        <div class="section-head"><h2 id="parts">Parts</h2><span class="small muted">checked by the service, asked for every 5 s</span></div>
        ${parts()}
      </section>
      <div class="beside">
      <section class="section" aria-labelledby="usage">
        <div class="section-head"><h2 id="usage">Usage and limits</h2><span class="small muted">of this replica, apart from the texts of today</span></div>
        <div class="card stack usage">
          ${usage.first ? loading(2, "Loading the usage") : usage.value ? usageOf(usage.value) : failure(usage.error, refresh)}
          ${usage.value && usage.error ? failureLine(usage.error) : nothing}
        </div>
      </section>
      ${about(context.me.authentication === "none" || !context.can("metrics:read"))}
      </div>`,
    close: () => {
      stop();
      forget();
      clearInterval(ticking);
      usage.stop();
    },
  };
}

/** @param {() => void} again */
function now(again) {
  if (metrics.state === "elsewhere") {
    return html`<div class="notice-box">
      <p><strong>The metrics are on the operators’ listener.</strong> The setting <code>server.admin_address</code> names its address, such as <code>127.0.0.1:9100</code>; rates, times, queue and cache are at its <code>/metrics</code>, the parts at its <code>/health</code>. A page cannot read another address.</p>
    </div>`;
  }
  if (metrics.state === "closed") {
    return html`<div class="notice-box">
      <p><strong>The metrics need the scope <code>metrics:read</code>.</strong> The operator protects them (<code>auth.protect_metrics</code>), and this key does not have the scope. The command line issues one that does: <code>undertone keys issue --scopes metrics:read,…</code></p>
      <button class="button small" @click=${again}>Try again</button>
    </div>`;
  }
  if (metrics.error && !latest()) {
    return failure(metrics.error, again);
  }
  return html`<section aria-label="Now">${figures()}</section>`;
}

function parts() {
  const { report, state } = health;
  if (state === "unreachable") {
    return html`<p class="failure unanswered" role="alert"><strong>The service does not answer.</strong> The console asks again every 5 s.${report ? " What follows is from before." : ""}</p>
      ${report?.components ? list(report.components) : nothing}`;
  }
  if (!report) {
    return loading(3, "Asking for the health");
  }
  if (!report.components) {
    return html`<p class="card">${mark(report.status)} <span class="muted">The public listener reports no more: the parts are on the operators’ listener (<code>server.admin_address</code>).</span></p>`;
  }
  return list(report.components);
}

/** @param {import("../../core/health.js").Component[]} components */
function list(components) {
  return html`<ul class="card parts">
    ${components.map(({ name, status, message, latency_ms: latency }) => {
      const since = seen.get(name);
      return html`<li>
        <span class="name"><strong>${name}</strong>${PARTS[name] ? html`<span class="small muted"> ${PARTS[name]}</span>` : nothing}</span>
        <span>${mark(status)}${since ? html`<span class="small muted"> ${since.changed ? "since" : "since at least"} ${TIME.format(since.since)}</span>` : nothing}</span>
        <span class="small muted latency">last check took ${latency === null ? "–" : latency < 1 ? "under 1 ms" : `${latency} ms`}</span>
        ${message ? html`<p class="message"><bdi>${message}</bdi></p>` : nothing}
      </li>`;
    })}
  </ul>`;
}

/** @param {string} status */
function mark(status) {
  const { sign, words } = STATES[status] ?? { sign: "?", words: status };
  return html`<span class="state-mark ${status}"><span aria-hidden="true">${sign}</span> ${words}</span>`;
}

/** @param {boolean} open whether `/metrics`, where it is here, needs no key */
function about(open) {
  const { report, at } = health;
  const uptime = report?.uptime_seconds;
  const link = (/** @type {string} */ to, /** @type {unknown} */ words) => html`<a class="button small" href=${to} target="_blank" rel="noopener">${words}${icons.external}<span class="hidden"> (opens a new tab)</span></a>`;
  return html`<section class="section" aria-labelledby="about">
    <div class="section-head"><h2 id="about">About</h2></div>
    <div class="card stack">
      <dl class="facts">
        <dt>Version</dt>
        <dd>${report?.version ?? html`<span class="muted">not reported here</span>`}</dd>
        <dt>Up for</dt>
        <dd>${uptime === undefined ? html`<span class="muted">not reported here</span>` : duration(uptime + Math.round((Date.now() - at) / 1000))}</dd>
      </dl>
      <div class="row">
        ${link("../docs/", "API documentation")} ${link("../openapi.json", "OpenAPI")}
        ${metrics.state !== "here" ? nothing : open ? link("../metrics", "Metrics") : copyButton(address("metrics").href, "Copy the address of the metrics")}
      </div>
    </div>
  </section>`;
}
