/**
 * `deno task compare-catalogues <before> <after>`: prints the differences between two migrated
 * databases. Each of the two is the address of a database, or a folder of migrations, which is
 * applied to a new database. Ends with code 1 when something differs.
 */
import { resolve } from "@std/path";
import postgres from "postgres";
import { withMigratedDatabase } from "./migratedDatabase.ts";

/** Kind and name of an object → its definition. */
export type Catalogue = Map<string, string>;

/** The differences of two catalogues, as readable lines. */
export function differences(before: Catalogue, after: Catalogue): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [old, current] = [before.get(name), after.get(name)];
    if (old === current) return [];
    if (old === undefined) return [`added    ${name}`, `       + ${current}`];
    if (current === undefined) return [`removed  ${name}`, `       - ${old}`];
    return [`changed  ${name}`, `       - ${old}`, `       + ${current}`];
  });
}

/** Reads the catalogue of a migrated database, and the rows that its migrations inserted. */
export async function readCatalogue(url: string): Promise<Catalogue> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    // With an empty search path Postgres prints names with their schemas.
    await sql`set search_path = ''`;
    const query = await Deno.readTextFile(new URL("./catalogue.sql", import.meta.url));
    const objects: { kind: string; name: string; definition: string | null }[] = await sql.unsafe(
      query,
    );
    const catalogue = new Map(
      objects.filter(({ definition }) => definition !== null)
        .map(({ kind, name, definition }) => [`${kind} ${name}`, oneLine(definition ?? "")]),
    );
    for (const [name, rows] of await insertedRows(sql)) catalogue.set(`rows ${name}`, rows);
    return catalogue;
  } finally {
    await sql.end();
  }
}

/** The rows of each table, without values that differ in every database. */
async function insertedRows(sql: postgres.Sql): Promise<[string, string][]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name
    from pg_catalog.pg_tables
    where schemaname in ('public', 'private', 'gateway') or tablename = 'buckets'
    order by 1`;
  const read = tables.map(async ({ name }): Promise<[string, string]> => {
    const [found] = await sql.unsafe(
      `select coalesce(jsonb_agg(value order by value)::text, '') as rows
       from ${name} t, lateral (select to_jsonb(t) - '{created_at,updated_at}'::text[]) as r (value)`,
    );
    return [name, String(found?.rows)];
  });
  return (await Promise.all(read)).filter(([, rows]) => rows !== "");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** The catalogue of a database, or of a folder of migrations. */
async function catalogueOf(source: string): Promise<Catalogue> {
  if (/^postgres(ql)?:/.test(source)) return await readCatalogue(source);
  return await withMigratedDatabase(({ superuserUrl }) => readCatalogue(superuserUrl), {
    migrations: resolve(source),
  });
}

if (import.meta.main) {
  const [before, after] = Deno.args;
  if (before === undefined || after === undefined) {
    console.error("Usage: deno task compare-catalogues <url or folder> <url or folder>");
    Deno.exit(2);
  }
  const found = differences(await catalogueOf(before), await catalogueOf(after));
  console.log(found.length === 0 ? "The catalogues are equal." : found.join("\n"));
  Deno.exit(found.length === 0 ? 0 : 1);
}
