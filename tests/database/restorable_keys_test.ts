/** Unique keys of the tables whose rows can be restored. */
import { assertEquals } from "@std/assert";
import { sql } from "../support/database.ts";
import { test } from "../support/workspace.ts";

/**
 * A deleted row holds no key, so that another row can take its value meanwhile. Ids are never assigned
 * twice. Any other key needs a sentence in private.restore that says what to do, as private.require_free_tag_name
 * has for the names of tags.
 */
test("a restorable table has no unique key but its id", async () => {
  const keys = await sql<{ table_name: string; columns: string[]; has_expression: boolean }[]>`
    select
      t.relname as table_name,
      array(
        select a.attname::text
        from pg_attribute a
        where a.attrelid = t.oid and a.attnum = any (i.indkey)
        order by a.attname
      ) as columns,
      i.indexprs is not null as has_expression
    from pg_index i
    join pg_class t on t.oid = i.indrelid
    where (i.indisunique or i.indisexclusion)
      and exists (
        select from pg_trigger g where g.tgrelid = t.oid and g.tgname = '10_move_to_trash'
      )`;
  assertEquals(new Set(keys.map(({ table_name }) => table_name)).size, 9);
  const others = keys.filter(({ columns, has_expression }) =>
    has_expression || !["id", "id,workspace_id"].includes(columns.join())
  );
  assertEquals(others.map((key) => ({ ...key })), []);
});
