/**
 * Markdown → HTML, with what the site adds: ids of headings as on GitHub, links to the pages of the
 * site, coloured code, and the texts of the search.
 */

import { dirname, join, relative } from "@std/path";
// @ts-types="./highlight.d.ts"
import highlight from "highlight.js";
import { Marked, type RendererObject, type Token, type Tokens } from "marked";
import { DOCUMENT, type Page, pages } from "./contents.ts";
import type { SearchEntry } from "./search.ts";

/** A heading of a page. */
export interface Heading {
  id: string;
  depth: number;
  html: string;
}

/** A page as HTML. */
export interface RenderedPage {
  html: string;
  headings: Heading[];
  entries: SearchEntry[];
  /** Other files of the repository that the page links to. The site has them at `fileTarget`. */
  files: string[];
}

/** The pages and the document, and where they are in the site. */
const targets = new Map([
  ...pages.map(({ source, target }) => [source, target] as const),
  [DOCUMENT.source, DOCUMENT.target],
]);

/** Where the site has a file of the repository that is no page. */
export function fileTarget(source: string): string {
  return `files/${source}`;
}

/** Renders a page. */
export function renderPage(page: Page, markdown: string): RenderedPage {
  const renderer = new PageRenderer(page);
  const tokens = renderer.marked.lexer(markdown);
  const html = renderer.marked.parser(tokens);
  const { headings, entries, files } = renderer;
  return { html, headings, entries, files };
}

/** The id that GitHub gives to a heading. `taken` has those of the headings before. */
export function headingId(text: string, taken: Set<string>): string {
  const slug = text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
  let id = slug;
  for (let number = 1; taken.has(id); number++) id = `${slug}-${number}`;
  taken.add(id);
  return id;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Renders one page, and collects its headings and the entries of the search. */
class PageRenderer {
  readonly marked: Marked;
  readonly headings: Heading[] = [];
  readonly entries: SearchEntry[] = [];
  readonly files: string[] = [];
  readonly #page: Page;
  readonly #ids = new Set<string>();

  constructor(page: Page) {
    this.#page = page;
    this.marked = new Marked({ gfm: true, renderer: this.#renderer() });
  }

  #renderer(): RendererObject {
    // marked calls the functions with its parser as `this`.
    const heading = (token: Tokens.Heading, inline: string) => this.#heading(token, inline);
    const row = (id: string | undefined, cells: string[]) => this.#row(id, cells);
    const codespan = (text: string) => this.#codespan(text);
    const href = (link: string) => this.#href(link);
    const collect = (token: Token) => this.#collect(token);
    return {
      heading(token) {
        return heading(token, this.parser.parseInline(token.tokens));
      },
      paragraph(token) {
        collect(token);
        return `<p>${this.parser.parseInline(token.tokens)}</p>\n`;
      },
      table(token) {
        collect(token);
        const cellsOf = (cells: Tokens.TableCell[]) =>
          cells.map(({ tokens }) => this.parser.parseInline(tokens));
        const rows = token.rows.map((cells) => row(keyOf(cells[0]), cellsOf(cells)));
        return tableHtml(cellsOf(token.header), rows);
      },
      list(token) {
        collect(token);
        return false;
      },
      code: (token) => {
        collect(token);
        return codeHtml(token.text, token.lang);
      },
      codespan: ({ text }) => codespan(text),
      link(token) {
        return `<a href="${href(token.href)}">${this.parser.parseInline(token.tokens)}</a>`;
      },
      html: ({ text }) => text.startsWith("<!--") ? "" : text,
    };
  }

  #heading({ depth, tokens }: Tokens.Heading, html: string): string {
    const text = plainText(tokens);
    const id = headingId(text, this.#ids);
    this.headings.push({ id, depth, html });
    this.entries.push({
      href: depth === 1 ? this.#page.target : `${this.#page.target}#${id}`,
      page: this.#page.title,
      title: text,
      text: "",
    });
    const link = depth === 1
      ? ""
      : ` <a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`;
    return `<h${depth} id="${id}">${html}${link}</h${depth}>\n`;
  }

  /** A row whose first cell is a name of its own can be linked to and found. */
  #row(key: string | undefined, cells: string[]): string {
    const html = cells.map((cell) => `<td>${cell}</td>`).join("");
    if (key === undefined || !this.#page.source.startsWith("docs/reference/")) {
      return `<tr>${html}</tr>`;
    }
    const id = this.#ids.has(key) ? undefined : key;
    if (id === undefined) return `<tr>${html}</tr>`;
    this.#ids.add(id);
    const text = cells.slice(1).map((cell) => cell.replace(/<[^>]*>/g, "")).join(" · ");
    const href = `${this.#page.target}#${id}`;
    this.entries.push({ href, page: this.#page.title, title: key, text: unescapeHtml(text) });
    return `<tr id="${id}">${html}</tr>`;
  }

  /** Adds a text to the entry of its section. Rows of the reference have entries of their own. */
  #collect(token: Token): void {
    const entry = this.entries.findLast(({ href }) => !this.#isRow(href));
    if (!entry || (token.type === "table" && this.#page.source.startsWith("docs/reference/"))) {
      return;
    }
    entry.text = `${entry.text} ${plainText([token])}`.trim();
  }

  #isRow(href: string): boolean {
    const id = href.split("#")[1];
    return id !== undefined && !this.headings.some((heading) => heading.id === id);
  }

  /** Code that is the path of a page is a link to it: `docs/filters.md`. */
  #codespan(text: string): string {
    const code = `<code>${escapeHtml(text)}</code>`;
    const target = targets.get(text);
    if (target === undefined || target === this.#page.target) return code;
    return `<a href="${this.#relative(target)}">${code}</a>`;
  }

  #href(link: string): string {
    if (/^(https?|mailto):/.test(link) || link.startsWith("#")) return escapeHtml(link);
    const [path = "", fragment] = link.split("#");
    const source = join(dirname(this.#page.source), path).replaceAll("\\", "/");
    const target = targets.get(source);
    if (target === undefined) {
      this.files.push(source);
      return this.#relative(fileTarget(source));
    }
    return this.#relative(target) + (fragment === undefined ? "" : `#${fragment}`);
  }

  #relative(target: string): string {
    return relative(dirname(this.#page.target), target).replaceAll("\\", "/");
  }
}

/** The text of a cell that is one piece of code, such as the code of a problem. */
function keyOf(cell: Tokens.TableCell | undefined): string | undefined {
  const [only, ...others] = cell?.tokens ?? [];
  return only?.type === "codespan" && others.length === 0 ? only.text : undefined;
}

function tableHtml(head: string[], rows: string[]): string {
  const heads = head.map((cell) => `<th scope="col">${cell}</th>`).join("");
  return `<div class="table" tabindex="0" role="region" aria-label="Table"><table><thead><tr>${heads}` +
    `</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>\n`;
}

function codeHtml(text: string, language = ""): string {
  const known = highlight.getLanguage(language) !== undefined;
  const html = known ? highlight.highlight(text, { language }).value : escapeHtml(text);
  const block = `<div class="code"><pre tabindex="0"><code>${html}</code></pre></div>\n`;
  if (language !== "mermaid") return block;
  return `<details><summary>The diagram as Mermaid source</summary>${block}</details>\n`;
}

/** The text of tokens without markup. */
function plainText(tokens: Token[]): string {
  return tokens.map((token) => {
    if (token.type === "table") {
      const { header, rows } = token as Tokens.Table;
      return [header, ...rows].flat().map(({ tokens }) => plainText(tokens)).join(" ");
    }
    if (token.type === "list") {
      return (token as Tokens.List).items.map((item) => plainText(item.tokens)).join(" ");
    }
    if ("tokens" in token && token.tokens) return plainText(token.tokens);
    return unescapeHtml("text" in token ? `${token.text}` : "");
  }).join("").replace(/\s+/g, " ");
}

function unescapeHtml(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
