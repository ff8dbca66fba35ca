/** Everything that follows from the migrated database alone: schema.ts, and its reference page. */
import { startStack } from "../stack.ts";
import { removeStackData, temporaryDirectory } from "../stackData.ts";
import { pageOf } from "./database.ts";
import { formatted } from "./formatted.ts";
import { readRelations } from "./relations.ts";
import { generateSchema } from "./schema.ts";

/** Migrates a database of its own and returns path below the repository's root → text. */
export async function generateFromDatabase(
  log: (line: string) => void,
): Promise<Record<string, string>> {
  const directory = await temporaryDirectory();
  const stack = await startStack({ directory, runFunction: false, durable: false, log });
  try {
    const [schema, { relations, functions }] = await Promise.all([
      generateSchema(stack.superuserUrl),
      readRelations(stack.superuserUrl),
    ]);
    return {
      "supabase/functions/_shared/schema.ts": schema,
      "docs/reference/database.md": await formatted(pageOf(relations, functions), "md"),
    };
  } finally {
    await stack.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}
