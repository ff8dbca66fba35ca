/** Files derived from the migrations: shapes of tables and views, the Drizzle schema, a page. */
import { startStack } from "../stack.ts";
import { removeStackData, temporaryDirectory } from "../stackData.ts";
import { pageOf } from "./database.ts";
import { drizzleSchema } from "./drizzle.ts";
import { formatted } from "./formatted.ts";
import { readRelations } from "./relations.ts";
import { schema } from "./schema.ts";

/** Migrates a new database and returns the files: path below the repository's root → text. */
export async function generateFromDatabase(
  log: (line: string) => void,
): Promise<Record<string, string>> {
  const directory = await temporaryDirectory();
  const stack = await startStack({ directory, runFunction: false, durable: false, log });
  try {
    const [ours, drizzle, { relations, functions }] = await Promise.all([
      schema(stack.superuserUrl),
      drizzleSchema(stack.superuserUrl, directory),
      readRelations(stack.superuserUrl),
    ]);
    return {
      "supabase/functions/_shared/schema.ts": ours,
      "examples/drizzle/schema.ts": drizzle,
      "docs/reference/database.md": await formatted(pageOf(relations, functions), "md"),
    };
  } finally {
    await stack.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}
