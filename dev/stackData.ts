/** The directories in which stacks keep their data. */

import { dirname, fromFileUrl, join } from "@std/path";
import { exists, removeIfExists } from "./files.ts";

/** The default directory of a stack's data. */
export const DEFAULT_DIRECTORY = join(dirname(dirname(fromFileUrl(import.meta.url))), ".portico");

/** Makes a directory for a temporary stack. `removeStackData` empties it. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "portico-" });
  if (Deno.build.os !== "windows") await Deno.chmod(directory, 0o755);
  return directory;
}

/** Deletes the data of a stack. The stack must not be running. */
export async function removeStackData(directory: string): Promise<void> {
  const database = join(directory, "database");
  // As root the cluster may be elsewhere, behind a symlink.
  if (await exists(database)) await removeIfExists(await Deno.realPath(database));
  for (const name of ["database", "credentials.json", "stack.json", "postgres.log"]) {
    await removeIfExists(join(directory, name));
  }
}
