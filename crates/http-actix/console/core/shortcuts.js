// Keys that work on every page: single letters only outside of inputs, and only while they are switched on.

/** @typedef {{ keys: string, does: string, run: () => void, applies: () => boolean }} Shortcut `keys` such as `/` or `g t` */

/** @type {Shortcut[]} */
const shortcuts = [];

/** Where the choice is stored, for this browser. */
const STORED_AS = "undertone.shortcuts";

/** How long the second key of a pair may take, in milliseconds. */
const PAIR_WITHIN = 1_500;

/** @returns {boolean} */
export function shortcutsAreOn() {
  return localStorage.getItem(STORED_AS) !== "off";
}

/** @param {boolean} on */
export function switchShortcuts(on) {
  localStorage.setItem(STORED_AS, on ? "on" : "off");
}

/** @returns {readonly Shortcut[]} those that do something for this caller */
export function allShortcuts() {
  return shortcuts.filter(({ applies }) => applies());
}

/**
 * @param {string} keys
 * @param {string} does what it does, for the list of keys
 * @param {() => void} run
 * @param {() => boolean} [applies] whether the caller may do it
 */
export function addShortcut(keys, does, run, applies = () => true) {
  shortcuts.push({ keys, does, run, applies });
}

/** Listens to the keyboard. */
export function listen() {
  let first = "";
  let at = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    if (!shortcutsAreOn() || event.key.length !== 1 || document.querySelector("dialog:modal")) {
      return;
    }
    const now = performance.now();
    const pair = now - at < PAIR_WITHIN ? `${first} ${event.key}` : "";
    const usable = allShortcuts();
    const shortcut = usable.find(({ keys }) => keys === pair) ?? usable.find(({ keys }) => keys === event.key);
    first = event.key;
    at = now;
    if (shortcut) {
      event.preventDefault();
      first = "";
      shortcut.run();
    }
  });
}

/** @param {EventTarget | null} target @returns {boolean} whether keys typed there are text */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
