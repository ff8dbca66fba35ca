/** Brings a database to the state of a folder of migrations, by the Supabase CLI. */
import { dirname, fromFileUrl, join } from "@std/path";
import postgres from "postgres";
import { temporaryDirectory } from "./stackData.ts";
import { pushMigrations } from "./supabaseCli.ts";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
const MIGRATIONS = join(ROOT, "supabase", "migrations");

/**
 * Applies the migrations that the database lacks, by default those of supabase/migrations, then
 * supabase/seed.sql. Throws when the database has migrations that the folder lacks.
 */
export async function migrate(
  databaseUrl: string,
  options: { folder?: string; log?(line: string): void } = {},
): Promise<void> {
  const folder = options.folder ?? MIGRATIONS;
  await refuseOlderChain(databaseUrl, folder);
  if (folder === MIGRATIONS) return await pushMigrations(databaseUrl, ROOT, options.log);
  const project = await temporaryDirectory();
  try {
    await copyMigrations(folder, join(project, "supabase", "migrations"));
    await pushMigrations(databaseUrl, project, options.log);
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

/** Throws when the database was made by migrations that have been rewritten since. */
async function refuseOlderChain(databaseUrl: string, folder: string): Promise<void> {
  const offered = new Set((await migrationFiles(folder)).map((name) => name.split("_")[0]));
  if ((await appliedVersions(databaseUrl)).every((version) => offered.has(version))) return;
  throw new Error(
    'This database was made by an older set of migrations. Run "deno task reset", which empties ' +
      'it, then "deno task start".',
  );
}

/** The versions of the applied migrations, as the Supabase CLI stores them. */
async function appliedVersions(databaseUrl: string): Promise<string[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const [history] = await sql<{ exists: boolean }[]>`
      select to_regclass('supabase_migrations.schema_migrations') is not null as exists`;
    if (!history?.exists) return [];
    const rows = await sql<{ version: string }[]>`
      select version from supabase_migrations.schema_migrations`;
    return rows.map(({ version }) => version);
  } finally {
    await sql.end();
  }
}

async function migrationFiles(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(".sql")).sort();
}

async function copyMigrations(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const name of await migrationFiles(from)) {
    await Deno.copyFile(join(from, name), join(to, name));
  }
}
