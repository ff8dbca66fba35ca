/** The search of the site. The index is made with the pages, and the browser loads it. */

import MiniSearch, { type AsPlainObject, type Options } from "minisearch";

/** What can be found: a section of a page, or a row of the reference. */
export interface SearchEntry {
  /** From the root of the site. */
  href: string;
  page: string;
  title: string;
  text: string;
}

/** What the search shows of an entry. */
export interface Found {
  href: string;
  page: string;
  title: string;
  /** The beginning of its text. */
  snippet: string;
}

/** The global variable that `search-index.js` sets. A page from a file may not fetch JSON. */
export const INDEX_VARIABLE = "porticoSearchIndex";

const SNIPPET_LENGTH = 110;

const OPTIONS: Options<SearchEntry> = {
  idField: "href",
  fields: ["title", "page", "text"],
  storeFields: ["href", "page", "title", "snippet"],
  extractField: (entry, field) =>
    field === "snippet" ? snippetOf(entry.text) : Reflect.get(entry, field),
  // Names such as `contacts.merge` and `undo_conflict` are found as a whole and by their parts.
  tokenize: (text) => {
    const names = text.match(/[\p{L}\p{N}_]+(?:\.[\p{L}\p{N}_]+)*/gu) ?? [];
    return names.flatMap((name) => /[._]/.test(name) ? [name, ...name.split(/[._]/)] : [name]);
  },
  searchOptions: {
    boost: { title: 4, page: 2 },
    prefix: (term) => term.length > 1,
    fuzzy: (term) => term.length > 4 ? 0.2 : false,
    combineWith: "AND",
    boostDocument: (href) => factorOf(String(href)),
  },
};

/** Returns the script that holds the index of these entries. */
export function searchIndexScript(entries: SearchEntry[]): string {
  const index = new MiniSearch<SearchEntry>(OPTIONS);
  index.addAll(entries);
  return `${INDEX_VARIABLE} = ${JSON.stringify(index)};\n`;
}

/** Loads the index that the script holds. Returns the function that searches in it, best first. */
export function loadSearch(stored: AsPlainObject): (query: string) => Found[] {
  const index = MiniSearch.loadJS<SearchEntry>(stored, OPTIONS);
  return (query) =>
    index.search(query).map(({ href, page, title, snippet }) => ({ href, page, title, snippet }));
}

/** Guides come before the reference, and whole pages before their sections. */
function factorOf(href: string): number {
  if (href.startsWith("reference/database.html")) return 0.2;
  if (href.startsWith("reference/")) return 1;
  return href.includes("#") ? 1.5 : 2;
}

function snippetOf(text: string): string {
  return text.length > SNIPPET_LENGTH ? `${text.slice(0, SNIPPET_LENGTH)}…` : text;
}
