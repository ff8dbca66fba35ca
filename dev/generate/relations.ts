/** The tables, views and functions of a migrated database, as its reference page shows them. */
import postgres from "postgres";
import { z } from "zod";

const columnSchema = z.object({
  name: z.string(),
  type: z.string(),
  nullable: z.boolean(),
  default: z.string(),
  comment: z.string(),
});

const relationSchema = z.object({
  name: z.string(),
  is_view: z.boolean(),
  comment: z.string(),
  columns: z.array(columnSchema),
  constraints: z.array(z.object({ name: z.string(), kind: z.string(), definition: z.string() })),
  parents: z.array(z.object({ column: z.string(), parent: z.string(), required: z.boolean() })),
  arrays: z.array(z.object({ column: z.string(), parent: z.string() })),
  indexes: z.array(z.string()),
  policies: z.array(z.object({
    name: z.string(),
    command: z.string(),
    roles: z.array(z.string()),
    using: z.string(),
    check: z.string(),
  })),
  triggers: z.array(z.object({
    name: z.string(),
    events: z.string(),
    comment: z.string(),
  })),
  grants: z.array(z.object({ role: z.string(), privileges: z.string() })),
});

const functionSchema = z.object({
  name: z.string(),
  arguments: z.string(),
  result: z.string(),
  roles: z.string(),
  comment: z.string(),
});

/** A table or view, as relations.sql reads it. */
export type Relation = z.infer<typeof relationSchema>;

/** A function that roles other than its owner may execute. */
export type Callable = z.infer<typeof functionSchema>;

/** Reads the catalogue of a migrated database. */
export async function readRelations(
  url: string,
): Promise<{ relations: Relation[]; functions: Callable[] }> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql`set search_path = ''`;
    const query = await Deno.readTextFile(new URL("./relations.sql", import.meta.url));
    return {
      relations: z.array(relationSchema).parse([...await sql.unsafe(query)]),
      functions: z.array(functionSchema).parse([...await callableFunctions(sql)]),
    };
  } finally {
    await sql.end();
  }
}

/** Functions that roles other than their owner may execute. */
async function callableFunctions(sql: postgres.Sql): Promise<readonly unknown[]> {
  return await sql`
    select
      format('%s.%s', n.nspname, p.proname) as name,
      pg_catalog.pg_get_function_arguments(p.oid) as arguments,
      coalesce(pg_catalog.pg_get_function_result(p.oid), '') as result,
      string_agg(g.grantee::regrole::text, ', ' order by g.grantee::regrole::text) as roles,
      coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '') as comment
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    cross join lateral pg_catalog.aclexplode(p.proacl) g
    where n.nspname in ('public', 'private', 'gateway')
      and g.grantee <> p.proowner
      and not exists (
        select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e'
      )
    group by p.oid, n.nspname
    order by 1, 2`;
}
