/**
 * What every page of the site does in the browser: menu, theme, search, copying of code.
 *
 * The scripts of this folder are JavaScript with types in comments: `deno check` would mix the types of
 * browsers with its own. `tests/docs/scripts_test.ts` checks their types.
 */

import { INDEX_VARIABLE, loadSearch } from "../search.ts";
import { switchTheme } from "./theme.js";

/** @import { Found } from "../search.ts" */

const MOST_RESULTS = 12;

const root = document.documentElement.dataset.root ?? "";

/** Opens and closes the menu, which narrow screens hide. */
function watchMenu() {
  const button = document.querySelector(".menu-button");
  const menu = document.querySelector("#site-menu");
  if (!(button instanceof HTMLElement) || !menu) return;
  const set = (/** @type {boolean} */ open) => {
    button.setAttribute("aria-expanded", String(open));
    document.documentElement.classList.toggle("menu-open", open);
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
    set(false);
    button.focus();
  });
  menu.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
  globalThis.scrollTo({ top: 0 });
}

/** Adds a button to every block of code. */
function addCopyButtons() {
  for (const block of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code")?.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => button.textContent = "Copy", 2_000);
    });
    block.append(button);
  }
}

/** @type {Promise<(query: string) => Found[]> | undefined} */
let loading;

/** Loads the index once. A script is used because pages from files may not fetch. */
function search() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}search-index.js`;
    script.onload = () => resolve(loadSearch(Reflect.get(globalThis, INDEX_VARIABLE)));
    script.onerror = () => reject(new Error("The index of the search cannot be loaded."));
    document.head.append(script);
  });
  return loading;
}

/** The field of the search and its list of results (WAI-ARIA, "combobox"). */
class SearchBox {
  #input;
  #results;
  #active = -1;

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} results
   */
  constructor(input, results) {
    this.#input = input;
    this.#results = results;
    input.addEventListener("focus", () => search());
    input.addEventListener("input", () => this.#show());
    input.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("keydown", (event) => {
      const inText = event.target instanceof Element && event.target.closest("input, textarea");
      if (event.key !== "/" || inText || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.focus();
    });
    document.addEventListener("click", ({ target }) => {
      if (!(target instanceof Element) || !target.closest("search")) this.#close();
    });
  }

  async #show() {
    const query = this.#input.value.trim();
    if (query === "") return this.#close();
    const find = await search();
    if (query !== this.#input.value.trim()) return;
    const found = find(query).slice(0, MOST_RESULTS);
    this.#results.replaceChildren(...found.map((entry, index) => option(entry, index)));
    if (found.length === 0) this.#results.textContent = "Nothing found.";
    this.#results.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#activate(found.length > 0 ? 0 : -1);
  }

  #close() {
    this.#results.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }

  #activate(/** @type {number} */ index) {
    const options = [...this.#results.querySelectorAll("a")];
    this.#active = index;
    for (const [position, option] of options.entries()) {
      option.setAttribute("aria-selected", String(position === index));
    }
    const active = options[index];
    active?.scrollIntoView({ block: "nearest" });
    if (active) this.#input.setAttribute("aria-activedescendant", active.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #onKey(/** @type {KeyboardEvent} */ event) {
    const options = [...this.#results.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && options.length > 0) {
      event.preventDefault();
      this.#activate((this.#active + step + options.length) % options.length);
    }
    if (event.key === "Enter") options[this.#active]?.click();
    if (event.key === "Escape") this.#close();
  }
}

/**
 * @param {Found} found
 * @param {number} index
 */
function option({ href, page, title, snippet }, index) {
  const link = document.createElement("a");
  link.href = root + href;
  link.id = `result-${index}`;
  link.role = "option";
  link.tabIndex = -1;
  for (const [name, text] of Object.entries({ strong: title, span: page, small: snippet })) {
    const part = document.createElement(name);
    part.textContent = text;
    link.append(part);
  }
  return link;
}

watchMenu();
addCopyButtons();
document.querySelector(".theme-button")?.addEventListener("click", switchTheme);
const input = document.querySelector("#site-search");
const results = document.querySelector("#site-results");
if (input instanceof HTMLInputElement && results instanceof HTMLElement) {
  new SearchBox(input, results);
}
