/** The monthly partitions of changes and the audit log. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import { asCaller, foundWorkspace, refusalOf } from "../support/database.ts";
import { test } from "../support/workspace.ts";

// A database of its own, because partitions are added and dropped under locks on whole tables.
test("log partitions: a month's rows move to its partition, and old partitions are dropped", async () => {
  await withMigratedDatabase(async ({ superuserUrl }) => {
    const sql = postgres(superuserUrl, { max: 1, onnotice() {} });
    try {
      await sql`
        with workspace as (
          insert into public.workspaces (name) values ('Analytical') returning id
        )
        insert into public.audit_log (workspace_id, table_name, record_id, created_at)
        select id, 'contacts', 1, '2001-01-15' from workspace`;
      await sql`select private.add_log_partition('audit_log', '2001-01-01')`;
      const [moved] = await sql`select count(*)::int as rows from private.audit_log_2001_01`;
      assertEquals(moved?.rows, 1);
      const [kept] = await sql`select private.drop_log_partitions('100 years') as names`;
      assertEquals(kept?.names, []);
      const [dropped] = await sql`select private.drop_log_partitions('20 years') as names`;
      assertEquals(dropped?.names, ["audit_log_2001_01"]);
      const [left] = await sql`select count(*)::int as rows from public.audit_log`;
      assertEquals(left?.rows, 0);
    } finally {
      await sql.end();
    }
  });
});

test("log partitions: members cannot drop them", async () => {
  const { admin } = await foundWorkspace();
  const drop = asCaller(admin, (tx) => tx`select private.drop_log_partitions('20 years')`);
  assertEquals((await refusalOf(drop)).code, "42501");
});
