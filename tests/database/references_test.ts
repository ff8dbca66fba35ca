/** Merges find every column that refers to a mergeable table, so that a new column takes part. */
import { assertEquals } from "@std/assert";
import { operations } from "../support/registry.ts";
import { sql, test } from "../support/workspace.ts";

const mergeable = operations.flatMap(({ id }) => /^(\w+)\.merge$/.exec(id)?.[1] ?? []);

test("references: contacts, companies and tags can be merged", () => {
  assertEquals(mergeable.toSorted(), ["companies", "contacts", "tags"]);
  return Promise.resolve();
});

test("references: every column whose name or foreign key means a mergeable record takes part in merges", async () => {
  const names = mergeable.map((table) => table.replace(/ies$/, "y").replace(/s$/, ""));
  const columns = await sql<{ name: string }[]>`
    select format('%s.%s', c.relname, a.attname) as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (
        a.attname ~ ('^(.*_)?(' || ${names.join("|")} || ')_ids?$')
        or a.attname = any (${mergeable}::text[])
        or a.atttypid = 'bigint[]'::regtype
        or exists (
          select from pg_constraint f
          where f.contype = 'f' and f.conrelid = c.oid and a.attnum = any (f.conkey)
            and a.attname <> 'workspace_id'
            and f.confrelid::regclass::text = any (
              array(select 'public.' || t from unnest(${mergeable}::text[]) t)
              || ${mergeable}::text[]
            )
        )
      )
    order by 1`;
  const references = await sql<{ name: string }[]>`
    select format('%s.%s', table_name, column_name) as name
    from private.record_references
    where referenced_table = any (${mergeable}::text[])
    order by 1`;
  assertEquals(references.map(({ name }) => name), columns.map(({ name }) => name));
});

test("references: no table of private has a foreign key to a mergeable record", async () => {
  const found = await sql`
    select conrelid::regclass::text as name from pg_constraint
    where contype = 'f' and connamespace <> 'public'::regnamespace
      and confrelid = any (array(select format('public.%I', t)::regclass::oid
        from unnest(${mergeable}::text[]) t))`;
  assertEquals([...found], []);
});

test("references: deleting a record removes its id from every array of ids, with a trigger", async () => {
  const missing = await sql`
    select format('%s.%s', a.table_name, a.column_name) as name
    from private.id_arrays a
    where not exists (
      select from pg_trigger t
      where t.tgrelid = format('public.%I', a.referenced_table)::regclass
        and t.tgfoid = 'private.remove_references'::regproc
        and encode(t.tgargs, 'escape') = format(
          e'%s\\\\000%s\\\\000', a.table_name, a.column_name
        )
    )`;
  assertEquals([...missing], []);
});
