import { html } from "../vendor/lit-html/lit-html.js";
import { icons } from "./icons.js";
import { toast } from "./toasts.js";

/** A button that copies `text`. @param {string} text @param {string} [label] */
export function copyButton(text, label = "Copy") {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.", { milliseconds: 2_000 });
    } catch {
      toast("The browser does not allow copying here: select the text instead.");
    }
  };
  return html`<button class="button small" type="button" @click=${copy}>${icons.copy}${label}</button>`;
}
