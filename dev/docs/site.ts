/** The files of the documentation site. */

import { fromFileUrl } from "@std/path";
import * as esbuild from "esbuild";
import { apiPageHtml, documentScript, scalarScript } from "./apiReference.ts";
import { API_PAGE, DOCUMENT, pages } from "./contents.ts";
import { pageHtml } from "./layout.ts";
import { fileTarget, type RenderedPage, renderPage } from "./markdown.ts";
import { searchIndexScript } from "./search.ts";

/**
 * Returns the path and the text of every file of the site. `read` returns a file of the repository.
 * Throws when a page links to a file that does not exist.
 */
export async function siteFiles(
  read: (path: string) => Promise<string>,
): Promise<Record<string, string>> {
  const [rendered, document, scripts, scalar] = await Promise.all([
    Promise.all(pages.map(async (page) => renderPage(page, await read(page.source)))),
    read(DOCUMENT.source),
    browserScripts(),
    scalarScript(),
  ]);
  const linked = await Promise.all(
    rendered.flatMap(({ files }) => files).map(async (
      path,
    ) => [fileTarget(path), await read(path)]),
  );
  return {
    ...Object.fromEntries(linked),
    ...Object.fromEntries(pages.map((page, index) => {
      const { html, headings } = rendered[index] as RenderedPage;
      return [page.target, pageHtml({ ...page, html, headings })];
    })),
    [API_PAGE.target]: apiPageHtml(),
    [DOCUMENT.target]: document,
    "openapi.js": documentScript(document),
    "scalar.js": scalar,
    "search-index.js": searchIndexScript(rendered.flatMap(({ entries }) => entries)),
    "site.css": await read("dev/docs/site.css"),
    ...scripts,
  };
}

/** Builds the scripts of `browser/`, each into one file. */
async function browserScripts(): Promise<Record<string, string>> {
  const names = ["site", "api"];
  const { outputFiles } = await esbuild.build({
    entryPoints: names.map((name) => fromFileUrl(new URL(`browser/${name}.js`, import.meta.url))),
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    outdir: "site",
  });
  await esbuild.stop();
  return Object.fromEntries(
    names.map((name, index) => [`${name}.js`, outputFiles[index]?.text ?? ""]),
  );
}
