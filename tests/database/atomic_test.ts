/** Compares the tables and views with what Atomic CRM expects. */
import { assertEquals } from "@std/assert";
import { sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";
import { ATOMIC_FOREIGN_KEYS, ATOMIC_KEYS, ATOMIC_TABLES, ATOMIC_VIEWS } from "./atomicSchema.ts";

test("tables hold every column of Atomic CRM with its type and default", async () => {
  for (const [table, columns] of Object.entries(ATOMIC_TABLES)) {
    const found = (await columnsOf(table)).map(({ definition }) => definition);
    assertEquals(columns.filter((column) => !found.includes(column)), [], table);
  }
});

test("views begin with Atomic CRM's columns in its order", async () => {
  for (const [view, columns] of Object.entries(ATOMIC_VIEWS)) {
    const expected = columns.split(" ");
    const found = (await columnsOf(view)).map(({ name }) => name);
    assertEquals(found.slice(0, expected.length), expected, view);
  }
});

test("views of the Data API carry no search vector, and their twins in private do", async () => {
  const found = await sql<{ name: string; schema: string; has_vector: boolean }[]>`
    select
      c.relname as name, n.nspname as schema,
      bool_or(a.atttypid = 'tsvector'::regtype) as has_vector
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relkind = 'v' and n.nspname in ('public', 'private')
    group by 1, 2
    order by 1, 2`;
  const withVector = found.filter(({ has_vector }) => has_vector).map(({ schema }) => schema);
  assertEquals(new Set(withVector), new Set(["private"]));
  for (const view of ["companies_summary", "contacts_summary", "deals_summary", "tags_summary"]) {
    const schemas = found.filter(({ name }) => name === view).map(({ schema }) => schema);
    assertEquals(schemas, ["private", "public"], view);
  }
});

test("sequences and primary keys have Atomic CRM's names", async () => {
  const found = await sql<{ name: string; sequence: string; primary_key: string }[]>`
    select
      c.relname as name,
      (
        select s.relname from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
        where d.refobjid = c.oid and d.deptype = 'i'
      ) as sequence,
      (select conname from pg_constraint p where p.conrelid = c.oid and p.contype = 'p') as primary_key
    from pg_class c
    where c.oid = any (${Object.keys(ATOMIC_KEYS).map((name) => `public.${name}`)}::regclass[])`;
  const keys = found.map(({ name, sequence, primary_key }) => [name, [sequence, primary_key]]);
  assertEquals(Object.fromEntries(keys), ATOMIC_KEYS);
});

test("foreign keys have Atomic CRM's targets and actions", async () => {
  const found = await sql<{ name: string; action: string }[]>`
    select
      format(
        '%s.%s → %s', f.conrelid::regclass, a.attname, f.confrelid::regclass
      ) as name,
      case f.confdeltype when 'c' then 'cascade' when 'a' then 'no action' else 'other' end as action
    from pg_constraint f
    join pg_attribute a
      on a.attrelid = f.conrelid and a.attnum = f.conkey[cardinality(f.conkey)]
    where f.contype = 'f' and f.connamespace = 'public'::regnamespace`;
  const actions: Record<string, string> = Object.fromEntries(
    found.map(({ name, action }) => [name, action]),
  );
  for (const [name, action] of Object.entries(ATOMIC_FOREIGN_KEYS)) {
    assertEquals(actions[name], action, name);
  }
});

/** Columns in the notation of `atomicSchema.ts`. */
async function columnsOf(relation: string): Promise<{ name: string; definition: string }[]> {
  return await sql`
    select
      a.attname as name,
      concat_ws(
        ' ', a.attname, regexp_replace(format_type(a.atttypid, null), '^extensions[.]', ''),
        case when a.attnotnull then 'not null' end,
        case a.attidentity when 'd' then 'identity' end,
        'default ' || pg_get_expr(d.adbin, d.adrelid)
      ) as definition
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = ${"public." + relation}::regclass and a.attnum > 0 and not a.attisdropped
    order by a.attnum`;
}
