import { html } from "../vendor/lit-html/lit-html.js";
import { allShortcuts, shortcutsAreOn, switchShortcuts } from "../core/shortcuts.js";
import { dialog } from "./overlay.js";

/** The list of keys, with the switch for single letters. @param {() => void} close @param {() => void} redraw */
export function keyboardDialog(close, redraw) {
  /** @param {Event} event */
  const change = (event) => {
    switchShortcuts(/** @type {HTMLInputElement} */ (event.target).checked);
    redraw();
  };
  const body = html`<table class="table plain keyboard">
      <caption class="hidden">Keys and what they do</caption>
      <tbody>
        ${allShortcuts().map(
          ({ keys, does }) => html`<tr>
            <th scope="row">${keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</th>
            <td>${does}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    <label class="check"><input type="checkbox" .checked=${shortcutsAreOn()} @change=${change} /> Use single letters as shortcuts</label>
    <p class="small muted">They never work while you type into a field.</p>`;
  return dialog({ title: "Keyboard", body, close });
}
