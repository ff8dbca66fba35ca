/** Queries over the catalogue of the schemas that the migrations make. */
import { sql } from "../support/database.ts";

/** Names of what breaks a rule. The query may use `ours`, the schemas that migrations make. */
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
