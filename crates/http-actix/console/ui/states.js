// What a page shows where it has no data: while it loads, where there is none, and after an error.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ApiError, Unreachable } from "../core/api.js";

/** Lines that stand for what loads; they appear only after 200 ms. @param {number} [lines] @param {string} [label] */
export function loading(lines = 6, label = "Loading") {
  return html`<div class="skeleton" role="status">
    <span class="hidden">${label}</span>
    ${Array.from({ length: lines }, () => html`<span class="line" aria-hidden="true"></span>`)}
  </div>`;
}

/**
 * What would be here, and how to get it.
 *
 * @param {string} title
 * @param {unknown} text
 * @param {unknown} [action]
 */
export function empty(title, text, action = nothing) {
  return html`<div class="state">
    <h2>${title}</h2>
    <p>${text}</p>
    ${action}
  </div>`;
}

/**
 * What failed, what to do, and a button to try again.
 *
 * @param {unknown} error
 * @param {(() => void) | null} [retry]
 */
export function failure(error, retry = null) {
  const { title, advice } = explain(error);
  return html`<div class="state error" role="alert">
    <h2>${title}</h2>
    <p>${advice}</p>
    ${retry ? html`<button class="button" @click=${retry}>Try again</button>` : nothing}
    ${error instanceof ApiError && error.requestId
      ? html`<p class="small muted">Request <code>${error.requestId}</code>, <code>${error.code}</code></p>`
      : nothing}
  </div>`;
}

/** The same in one line, for a form or a drawer. @param {unknown} error */
export function failureLine(error) {
  const { title, advice } = explain(error);
  return html`<p class="failure" role="alert"><strong>${title}.</strong> ${advice}</p>`;
}

/**
 * @param {unknown} error
 * @returns {{ title: string, advice: string }}
 */
export function explain(error) {
  if (error instanceof Unreachable) {
    return { title: error.message.replace(/\.$/, ""), advice: "Check that it is running and that your network is up." };
  }
  if (!(error instanceof ApiError)) {
    return { title: "The console failed", advice: `${error instanceof Error ? error.message : error}. Reload the page.` };
  }
  const wait = error.retryAfter === null ? "in a moment" : `in ${error.retryAfter} s`;
  const advice = {
    forbidden: "Your key lacks a scope for this. Ask who issued it for one with more scopes.",
    saturated: `The service has as much work as it can take. Try again ${wait}.`,
    unavailable: `A part of the service does not respond, such as its database. Try again ${wait}; Service shows which part.`,
    rate_limited: `Your limit of requests is reached. Try again ${wait}.`,
    quota_exceeded: "The texts of today are used up. The quota begins again at midnight (UTC).",
    turned_off: "The configuration does not allow it.",
    deadline_exceeded: "The service did not finish in time. Try again with a shorter range or text.",
    internal: "This is a fault of the service. Its log has the cause under the number of the request.",
  }[error.code];
  return { title: error.title, advice: advice ? `${sentence(error.message)} ${advice}` : sentence(error.message) };
}

/** @param {string} text @returns {string} with a capital letter and a full stop */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
