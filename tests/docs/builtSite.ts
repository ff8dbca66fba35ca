/** The documentation site, built once for the tests of a file in a directory of its own. */
import { join } from "@std/path";
import { buildDocs } from "../../dev/buildDocs.ts";
import { filesBelow } from "../support/sourceFiles.ts";

/** Builds the site. It is removed when the process ends. */
export async function builtSite(): Promise<string> {
  const parent = await Deno.makeTempDir();
  globalThis.addEventListener("unload", () => Deno.removeSync(parent, { recursive: true }));
  const directory = join(parent, "site");
  await buildDocs(directory);
  return directory;
}

/** Reads a file of the site. */
export function readSite(site: string, path: string): Promise<string> {
  return Deno.readTextFile(join(site, path));
}

/** The Markdown files of the repository that the site should have. */
export async function guides(): Promise<string[]> {
  return (await filesBelow("docs", [".md"])).map(({ path }) => path);
}
