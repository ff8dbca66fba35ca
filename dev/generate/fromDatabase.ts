/** Everything that follows from the migrations: the shapes of tables and views, for us and Drizzle. */
import { startStack } from "../stack.ts";
import { removeStackData } from "../stackData.ts";
import { drizzleSchema } from "./drizzle.ts";
import { schema } from "./schema.ts";

/** Migrates a database of its own and returns: path below the repository's root → text. */
export async function generateFromDatabase(
  log: (line: string) => void,
): Promise<Record<string, string>> {
  const directory = await Deno.makeTempDir({ prefix: "portico-generate-" });
  await Deno.chmod(directory, 0o755);
  const stack = await startStack({ directory, runFunction: false, durable: false, log });
  try {
    const [ours, drizzle] = await Promise.all([
      schema(stack.superuserUrl),
      drizzleSchema(stack.superuserUrl, directory),
    ]);
    return {
      "supabase/functions/_shared/schema.ts": ours,
      "examples/drizzle/schema.ts": drizzle,
    };
  } finally {
    await stack.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}
