/** The documentation site: complete, with links that lead somewhere, readable without a network. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { buildDocs, buildDocsIfOld } from "../../dev/buildDocs.ts";
import { API_PAGE, pages } from "../../dev/docs/contents.ts";
import { headingId } from "../../dev/docs/markdown.ts";
import { INDEX_VARIABLE, loadSearch } from "../../dev/docs/search.ts";
import { exists } from "../../dev/files.ts";
import { readFile } from "../support/sourceFiles.ts";
import { builtSite, guides, readSite } from "./builtSite.ts";

const site = await builtSite();
const targets = [...pages.map(({ target }) => target), API_PAGE.target];
const htmlOf = new Map(
  await Promise.all(targets.map(async (target) => [target, await readSite(site, target)] as const)),
);

Deno.test("docs: every guide is in the navigation", async () => {
  const shown = new Set(pages.map(({ source }) => source));
  assertEquals((await guides()).filter((path) => !shown.has(path)), []);
  for (const [target, html] of htmlOf) {
    if (target === API_PAGE.target) continue;
    const links = [...html.matchAll(/<nav class="menu"[^]*?<\/nav>/g)].join("");
    for (const page of targets) assert(links.includes(`${page}"`), `${target}: ${page}`);
  }
});

Deno.test("docs: every link of the site leads to a page and to a place on it", async () => {
  for (const [target, html] of htmlOf) {
    for (const [, link = ""] of html.matchAll(/(?:href|src)="([^"]*)"/g)) {
      if (/^(https?:|mailto:|data:)/.test(link)) continue;
      const { path, fragment } = placeOf(link);
      const file = path === "" ? target : join(dirname(target), path);
      assert(await exists(join(site, file)), `${target}: ${link}`);
      if (fragment === undefined || !file.endsWith(".html")) continue;
      const ids = htmlOf.get(file) ?? "";
      assert(ids.includes(`id="${fragment}"`), `${target}: ${link} names no place`);
    }
  }
});

Deno.test("docs: every link of the Markdown leads to a file and to a heading of it", async () => {
  for (const { source } of pages) {
    for (const [, link = ""] of (await readFile(source)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(link)) continue;
      const { path, fragment } = placeOf(link);
      const file = path === "" ? source : join(dirname(source), path);
      const text = await readFile(file).catch(() => "");
      assert(text !== "", `${source}: ${link}`);
      if (fragment === undefined) continue;
      const taken = new Set<string>();
      for (const [, heading = ""] of text.matchAll(/^#+ (.*)$/gm)) headingId(heading, taken);
      assert(taken.has(fragment), `${source}: ${link} names no heading`);
    }
  }
});

Deno.test("docs: ids are unique on their page, and addresses are relative", () => {
  for (const [target, html] of htmlOf) {
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    assertEquals(ids.length, new Set(ids).size, target);
    assertEquals([...html.matchAll(/(?:href|src)="\/[^"]*"/g)], [], target);
  }
});

Deno.test("docs: pages load nothing from other servers", async () => {
  for (const [target, html] of htmlOf) {
    const loaded = [
      ...html.matchAll(/<(?:script|link|img|iframe)[^>]*(?:src|href)="(http[^"]*)"/g),
    ];
    assertEquals(loaded, [], target);
  }
  assertEquals([...(await readSite(site, "site.css")).matchAll(/@import|url\(/g)], []);
});

Deno.test("docs: the search finds words, beginnings, misspelt words and codes", async () => {
  const script = await readSite(site, "search-index.js");
  const stored = JSON.parse(script.slice(INDEX_VARIABLE.length + 3, -2));
  const search = loadSearch(stored);
  const first = (query: string) => search(query)[0]?.href;
  assertEquals(first("undo_conflict"), "reference/problems.html#undo_conflict");
  assertEquals(first("contacts.merge"), "reference/operations.html#contacts.merge");
  assert(search("keyset cursor").length > 0);
  assert(search("idempot").length > 0);
  assert(search("duplicats").some(({ href }) => href.startsWith("duplicates.html")));
  assertEquals(search("zebra xylophone"), []);
  for (const { href } of search("contacts")) {
    const { path, fragment } = placeOf(href);
    assert(fragment === undefined || htmlOf.get(path)?.includes(`id="${fragment}"`), href);
  }
});

Deno.test("docs: the page of the API has the document and its reader", async () => {
  const script = await readSite(site, "openapi.js");
  const document = JSON.parse(script.slice("porticoDocument = ".length, -2));
  assertEquals(document, JSON.parse(await readFile("client-sdk/openapi.json")));
  assert((await readSite(site, "scalar.js")).includes("createApiReference"));
});

Deno.test("docs: the site is built when it is missing or old, and else left", async () => {
  const directory = join(dirname(site), "another");
  assertEquals(await buildDocsIfOld(directory), true);
  assertEquals(await buildDocsIfOld(directory), false);
  await Deno.writeTextFile(join(directory, "sources.txt"), "older");
  await Deno.writeTextFile(join(directory, "removed.html"), "");
  assertEquals(await buildDocsIfOld(directory), true);
  assertEquals(await exists(join(directory, "removed.html")), false);
  await buildDocs(directory);
});

function placeOf(link: string): { path: string; fragment: string | undefined } {
  const end = link.indexOf("#");
  if (end < 0) return { path: link, fragment: undefined };
  return { path: link.slice(0, end), fragment: link.slice(end + 1) };
}
