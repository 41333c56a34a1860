// Light, dark, or as the system has it; and the colors of the theme for charts.

/** @typedef {"system" | "light" | "dark"} Theme */

const STORED_AS = "undertone.theme";

/** @returns {Theme} */
export function theme() {
  const stored = localStorage.getItem(STORED_AS);
  return stored === "light" || stored === "dark" ? stored : "system";
}

/** @param {Theme} theme */
export function setTheme(theme) {
  localStorage.setItem(STORED_AS, theme);
  applyTheme();
}

/** Shows the stored theme. */
export function applyTheme() {
  const chosen = theme();
  document.documentElement.dataset.theme = chosen;
  window.dispatchEvent(new Event("themechange"));
}

/** Calls `changed` after each change of the theme, also of the system's. @param {() => void} changed @returns {() => void} ends it */
export function observeTheme(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  window.addEventListener("themechange", changed);
  system.addEventListener("change", changed);
  return () => {
    window.removeEventListener("themechange", changed);
    system.removeEventListener("change", changed);
  };
}

/** @param {string} name of a token, such as `--positive` @returns {string} its color in the present theme */
export function colorOf(name) {
  const probe = document.createElement("span");
  probe.hidden = true;
  // A chart means something by its colors, also where the system has its own for everything else.
  probe.style.setProperty("forced-color-adjust", "none");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
