/** Dark or light: what the reader has chosen, else what the system says. */

const NAME = "portico-theme";
const CHANGED = "portico-theme";

/** @typedef {"dark" | "light"} Theme */

/** @returns {Theme} */
export function currentTheme() {
  const { theme } = document.documentElement.dataset;
  if (theme === "dark" || theme === "light") return theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Changes the theme, and remembers it where the browser allows that. */
export function switchTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(NAME, theme);
  } catch {
    // Pages from files may have no storage: then the choice holds for the page.
  }
  document.dispatchEvent(new Event(CHANGED));
}

/**
 * Calls `listener` when the theme changes, by the reader or by the system.
 * @param {(theme: Theme) => void} listener
 */
export function onThemeChange(listener) {
  const call = () => listener(currentTheme());
  document.addEventListener(CHANGED, call);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", call);
}
