/**
 * `deno task generate`: writes everything that is derived from the migrations and the operations:
 * migrations → migrated database → schema.ts → operations → scopes, OpenAPI → SDK and reference documents,
 * a schema for Drizzle and a page about the database. With `--schema-only` it writes only the files
 * derived from the database, for use while the operations do not fit the new columns yet.
 * With `--check` it writes nothing, names each file that differs, and fails when there is one.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { readIfExists } from "./files.ts";
import { generateFromDatabase } from "./generate/fromDatabase.ts";
import { generateScopes } from "./generate/scopes.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

/** Path below the repository's root → text. */
export type Files = Record<string, string>;

async function main(): Promise<void> {
  const check = Deno.args.includes("--check");
  const log = (line: string) => console.log(line);
  const changed = await writeChanged(await generateFromDatabase(log), check);
  if (!Deno.args.includes("--schema-only")) {
    changed.push(...await writeChanged(await generateScopes(), check));
    // Imported here, because the operations import the files that were just written.
    const { generateFromOperations } = await import("./generate/fromOperations.ts");
    changed.push(...await writeChanged(await generateFromOperations(), check));
  }
  if (check && changed.length > 0) {
    console.error(`These files differ from their sources:\n${changed.join("\n")}`);
    console.error('Run "deno task generate" and commit what it writes.');
    Deno.exit(1);
  }
  console.log(changed.length === 0 ? "Nothing has changed." : `Wrote:\n${changed.join("\n")}`);
}

/** Writes the files that differ, unless `check` is set. Returns their paths. */
async function writeChanged(files: Files, check: boolean): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const file = join(ROOT, path);
    if (await readIfExists(file) === text) continue;
    changed.push(path);
    if (check) continue;
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  return changed;
}

if (import.meta.main) await main();
