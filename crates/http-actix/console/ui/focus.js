// Where the focus goes when what had it disappears, or when something opens that wants it.

let wanted = "";

/** Moves the focus to the first element of `selector`, as soon as a drawing has it. @param {string} selector */
export function focusNext(selector) {
  wanted = selector;
}

/** To be called by the template of the page that moves the focus. */
export function settleFocus() {
  queueMicrotask(() => {
    const element = wanted === "" ? null : document.querySelector(wanted);
    if (element instanceof HTMLElement) {
      wanted = "";
      element.focus({ preventScroll: true });
    }
  });
}
