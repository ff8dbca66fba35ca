/** Where stacks keep their data. */

import { dirname, fromFileUrl, join } from "@std/path";
import { exists, removeIfExists } from "./files.ts";

/** Where a stack keeps its data unless told otherwise. */
export const DEFAULT_DIRECTORY = join(dirname(dirname(fromFileUrl(import.meta.url))), ".portico");

/** Makes a directory for a stack that nobody needs for long; removeStackData empties it. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "portico-" });
  if (Deno.build.os !== "windows") await Deno.chmod(directory, 0o755);
  return directory;
}

/** Deletes the data of a stack that does not run. */
export async function removeStackData(directory: string): Promise<void> {
  const database = join(directory, "database");
  // As root the cluster may lie elsewhere, behind a symlink.
  if (await exists(database)) await removeIfExists(await Deno.realPath(database));
  for (const name of ["database", "credentials.json", "stack.json", "postgres.log"]) {
    await removeIfExists(join(directory, name));
  }
}
