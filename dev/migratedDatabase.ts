/** A new database with the migrations, for one piece of work. */

import { startStack } from "./stack.ts";
import { removeStackData, temporaryDirectory } from "./stackData.ts";

/** How to migrate it. */
export interface MigratedDatabaseOptions {
  /** A folder of migrations instead of supabase/migrations. */
  migrations?: string;
  /** Receives lines about the progress. */
  log?(line: string): void;
}

/** The addresses of the database, and an empty directory that is removed afterwards. */
export interface MigratedDatabase {
  databaseUrl: string;
  superuserUrl: string;
  directory: string;
}

/** Migrates a new database, runs the work with it, and removes it. */
export async function withMigratedDatabase<Result>(
  work: (database: MigratedDatabase) => Promise<Result>,
  options: MigratedDatabaseOptions = {},
): Promise<Result> {
  const directory = await temporaryDirectory();
  const stack = await startStack({ directory, runFunction: false, durable: false, ...options });
  try {
    return await work({ ...stack, directory });
  } finally {
    await stack.stop();
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  }
}
