// The page Try.

import { html } from "../../vendor/lit-html/lit-html.js";

/**
 * @param {import("../../types.d.ts").Context} context
 * @returns {import("../../types.d.ts").View}
 */
export function open(context) {
  return { template: () => html`<p>${context.me.tenant}</p>` };
}
