/** The HTML around the content of a page: header, search, navigation, headings, next page. */

import { API_PAGE, pages, sections } from "./contents.ts";
import { escapeHtml, type Heading } from "./markdown.ts";

/** What a page of the site consists of. */
export interface LaidOutPage {
  /** The HTML file, from the root of the site. */
  target: string;
  title: string;
  html: string;
  headings: Heading[];
}

/** Sets the chosen theme before anything is drawn, and tells the styles that scripts run. */
const HEAD_SCRIPT = `document.documentElement.classList.add("js");` +
  `try{const t=localStorage.getItem("portico-theme");if(t)document.documentElement.dataset.theme=t}` +
  `catch{}`;

/** Returns the HTML of a page. Its addresses are relative, so that the site works at any path. */
export function pageHtml({ target, title, html, headings }: LaidOutPage): string {
  const root = rootOf(target);
  return `${headHtml(title, root)}
<body>
<a class="skip" href="#site-content">Skip to the content</a>
${headerHtml(root)}
<div class="columns">
<nav class="menu" id="site-menu" aria-label="Pages">${menuHtml(target, root)}</nav>
<main class="content" id="site-content" tabindex="-1">
${html}
${neighboursHtml(target, root)}
</main>
${outlineHtml(headings)}
</div>
<script src="${root}site.js"></script>
</body>
</html>
`;
}

/** The start of a document up to its `<body>`. */
export function headHtml(title: string, root: string): string {
  return `<!doctype html>
<html lang="en" data-root="${root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title === "Overview" ? "Portico" : `${title} · Portico`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}site.css">
<script>${HEAD_SCRIPT}</script>
</head>`;
}

/** The bar at the top: menu, name, search, theme. */
export function headerHtml(root: string): string {
  return `<header class="bar">
<button type="button" class="menu-button" aria-controls="site-menu" aria-expanded="false">Menu</button>
<a class="name" href="${root}index.html">Portico</a>
<search>
<input type="search" id="site-search" placeholder="Search docs" aria-label="Search the documentation"
 role="combobox" aria-autocomplete="list" aria-expanded="false" aria-controls="site-results"
 autocomplete="off" spellcheck="false">
<div id="site-results" role="listbox" aria-label="Results" hidden></div>
</search>
<a class="api" href="${root}${API_PAGE.target}">API</a>
<button type="button" class="theme-button" aria-label="Change between dark and light">◐</button>
</header>`;
}

/** The way from a page to the root of the site: empty, or `../`. */
function rootOf(target: string): string {
  return "../".repeat(target.split("/").length - 1);
}

function menuHtml(current: string, root: string): string {
  const link = (target: string, title: string) =>
    `<li><a href="${root}${target}"${target === current ? ' aria-current="page"' : ""}>` +
    `${escapeHtml(title)}</a></li>`;
  return sections.map(({ title, pages }) => {
    const links = pages.map((page) => link(page.target, page.title));
    if (title === "Reference") links.unshift(link(API_PAGE.target, API_PAGE.title));
    return `<h2>${title}</h2><ul>${links.join("")}</ul>`;
  }).join("\n");
}

function neighboursHtml(target: string, root: string): string {
  const index = pages.findIndex((page) => page.target === target);
  const link = (step: number, name: string) => {
    const page = pages[index + step];
    if (!page) return "<span></span>";
    return `<a href="${root}${page.target}" rel="${name.toLowerCase()}"><small>${name}</small>` +
      `${escapeHtml(page.title)}</a>`;
  };
  return `<nav class="neighbours" aria-label="Neighbouring pages">${link(-1, "Previous")}${
    link(1, "Next")
  }</nav>`;
}

function outlineHtml(headings: Heading[]): string {
  const shown = headings.filter(({ depth }) => depth === 2 || depth === 3);
  if (shown.length < 2) return "";
  const links = shown.map(({ id, depth, html }) =>
    `<li class="depth-${depth}"><a href="#${id}">${html.replace(/<\/?a\b[^>]*>/g, "")}</a></li>`
  );
  return `<nav class="outline" aria-label="On this page"><h2>On this page</h2><ul>${
    links.join("")
  }</ul></nav>`;
}
