/**
 * `deno task build-docs`: the documentation as a static site, in `docs/site`. It needs no server and no
 * network: it is readable from files, and at any path of any server.
 */

import { dirname, fromFileUrl, join } from "@std/path";
import { exists, readIfExists, removeIfExists } from "./files.ts";
import { DOCUMENT, pages } from "./docs/contents.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

/** Where the site is. */
export const SITE = join(ROOT, "docs", "site");

/** Names the state of the sources that a site was built from. */
const STAMP = "sources.txt";

/**
 * Builds the site when it is missing, or when its sources have changed since. Returns whether it did.
 */
export async function buildDocsIfOld(directory: string): Promise<boolean> {
  const state = await stateOfSources();
  if (await readIfExists(join(directory, STAMP)) === state) return false;
  await buildDocs(directory);
  return true;
}

/** Builds the site beside its place, and then puts it there. */
export async function buildDocs(directory: string): Promise<void> {
  // Loaded here, because a start that finds the site up to date needs none of it.
  const { siteFiles } = await import("./docs/site.ts");
  const state = await stateOfSources();
  const files = await siteFiles((path) => Deno.readTextFile(join(ROOT, path)));
  await Deno.mkdir(dirname(directory), { recursive: true });
  const unfinished = await Deno.makeTempDir({ dir: dirname(directory), prefix: ".site-" });
  for (const [path, text] of Object.entries({ ...files, [STAMP]: state })) {
    await Deno.mkdir(dirname(join(unfinished, path)), { recursive: true });
    await Deno.writeTextFile(join(unfinished, path), text);
  }
  await Deno.chmod(unfinished, 0o755);
  await replace(directory, unfinished);
}

/** Puts a built site in its place. When another process has just done that, its site stays. */
async function replace(directory: string, unfinished: string): Promise<void> {
  await removeIfExists(directory);
  try {
    await Deno.rename(unfinished, directory);
  } catch (error) {
    await removeIfExists(unfinished);
    if (!await exists(directory)) throw error;
  }
}

/** A hash of everything that the site is made of: the pages, the document, the generator. */
async function stateOfSources(): Promise<string> {
  const paths = [
    ...pages.map(({ source }) => source),
    DOCUMENT.source,
    "deno.json",
    "dev/buildDocs.ts",
    ...await filesBelow("docs"),
    ...await filesBelow("dev/docs"),
  ];
  const texts = await Promise.all(paths.map((path) => Deno.readFile(join(ROOT, path))));
  const hashes = await Promise.all(texts.map((text) => crypto.subtle.digest("SHA-256", text)));
  const all = new Uint8Array(hashes.flatMap((hash) => [...new Uint8Array(hash)]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex();
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    // The site itself, and one that is being built.
    if (join(ROOT, path) === SITE || name.startsWith(".")) continue;
    found.push(...isDirectory ? await filesBelow(path) : [path]);
  }
  return found.sort();
}

if (import.meta.main) {
  const begun = performance.now();
  await buildDocs(SITE);
  console.log(`Built ${SITE} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
