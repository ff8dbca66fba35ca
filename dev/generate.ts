/**
 * `deno task generate`: writes everything that follows from the migrations and the operations:
 * migrations → migrated database → schema.ts → operations → OpenAPI → SDK and reference documents;
 * and a schema for Drizzle. `--schema-only` ends after the schemas, for when the operations do not fit the new columns yet.
 * With `--check` it writes nothing, names each file that differs, and fails when there is one.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { readIfExists } from "./files.ts";
import { generateFromDatabase } from "./generate/fromDatabase.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));

/** Path below the repository's root → text. */
export type Files = Record<string, string>;

async function main(): Promise<void> {
  const check = Deno.args.includes("--check");
  const log = (line: string) => console.log(line);
  const changed = await settle(await generateFromDatabase(log), check);
  if (!Deno.args.includes("--schema-only")) {
    // Read only now: the operations are built on the schema that was just written.
    const { generateFromOperations } = await import("./generate/fromOperations.ts");
    changed.push(...await settle(await generateFromOperations(), check));
  }
  if (check && changed.length > 0) {
    console.error(`These files differ from their sources:\n${changed.join("\n")}`);
    console.error('Run "deno task generate" and commit what it writes.');
    Deno.exit(1);
  }
  console.log(changed.length === 0 ? "Nothing has changed." : `Wrote:\n${changed.join("\n")}`);
}

/** Writes the files that differ, or only names them. */
async function settle(files: Files, check: boolean): Promise<string[]> {
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
