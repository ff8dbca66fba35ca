/** Queries on the catalogue of the schemas that the migrations create. */
import { sql } from "../support/database.ts";

/** Returns the names of objects that break a rule. The query may use `ours`, the migrations' schemas. */
export async function offenders(
  query: TemplateStringsArray,
  ...parameters: string[][]
): Promise<string[]> {
  const schemas = "with ours as (select oid, nspname from pg_namespace " +
    "where nspname in ('public', 'private', 'gateway')) ";
  const text = query.reduce((text, part, index) => `${text}$${index}${part}`);
  const rows = await sql.unsafe<{ name: string }[]>(schemas + text, parameters);
  return rows.map(({ name }) => name);
}
