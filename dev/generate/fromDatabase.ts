/** Files derived from the migrations: shapes of tables and views, the Drizzle schema, a page, pgTAP tests. */
import { withMigratedDatabase } from "../migratedDatabase.ts";
import { comments } from "./comments.ts";
import { pageOf } from "./database.ts";
import { drizzleSchema } from "./drizzle.ts";
import { formatted } from "./formatted.ts";
import { pgtapFiles } from "./pgtap.ts";
import { readRelations } from "./relations.ts";
import { schema } from "./schema.ts";

/** Migrates a new database and returns the files: path below the repository's root → text. */
export async function generateFromDatabase(
  log: (line: string) => void,
): Promise<Record<string, string>> {
  return await withMigratedDatabase(async ({ superuserUrl, directory }) => {
    const [ours, texts, drizzle, { relations, functions }, pgtap] = await Promise.all([
      schema(superuserUrl),
      comments(superuserUrl),
      drizzleSchema(superuserUrl, directory),
      readRelations(superuserUrl),
      pgtapFiles(superuserUrl),
    ]);
    return {
      "supabase/functions/_shared/schema.ts": ours,
      "supabase/functions/api/comments.ts": texts,
      "examples/drizzle/schema.ts": drizzle,
      "docs/reference/database.md": await formatted(pageOf(relations, functions), "md"),
      ...pgtap,
    };
  }, { log });
}
