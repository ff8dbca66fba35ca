/** The monthly partitions of changes and the audit log. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import { asCaller, foundWorkspace, refusalOf } from "../support/database.ts";
import { only } from "../support/exactly.ts";
import { test } from "../support/workspace.ts";

// A database of its own, because partitions are added and dropped under locks on whole tables.
async function withDatabase(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  await withMigratedDatabase(async ({ superuserUrl }) => {
    const sql = postgres(superuserUrl, { onnotice() {} });
    try {
      await work(sql);
    } finally {
      await sql.end();
    }
  });
}

/** Makes the partitions of January 2001, with one entry. Returns the workspace. */
async function addOldPartitions(sql: postgres.Sql): Promise<string> {
  const { workspace_id } = only(
    await sql<{ workspace_id: string }[]>`
    insert into public.workspaces (name) values ('Analytical') returning id as workspace_id`,
  );
  await sql`
    insert into public.audit_log (workspace_id, table_name, record_id, created_at)
    values (${workspace_id}, 'contacts', 1, '2001-01-15')`;
  await sql`select private.add_log_partition('audit_log', '2001-01-01')`;
  await sql`select private.add_log_partition('changes', '2001-01-01')`;
  return workspace_id;
}

async function dropOldest(sql: postgres.Sql, olderThan: string): Promise<string | null> {
  const { name } = only(
    await sql<{ name: string | null }[]>`
    select private.drop_oldest_log_partition(${olderThan}::text::interval) as name`,
  );
  return name;
}

/** Runs a job of the gateway. Returns the number of partitions, or null when it gave up. */
async function run(sql: postgres.Sql, job: string): Promise<number | null> {
  const { result } = only(
    await sql.unsafe<{ result: { log_partitions: number } | null }[]>(`select ${job} as result`),
  );
  return result && result.log_partitions;
}

test("log partitions: a month's rows move to its partition, and the oldest partition is dropped", async () => {
  await withDatabase(async (sql) => {
    await addOldPartitions(sql);
    const [moved] = await sql`select count(*)::int as rows from private.audit_log_2001_01`;
    assertEquals(moved?.rows, 1);
    assertEquals(await dropOldest(sql, "100 years"), null);
    assertEquals(await dropOldest(sql, "20 years"), "audit_log_2001_01");
    assertEquals(await dropOldest(sql, "20 years"), "changes_2001_01");
    assertEquals(await dropOldest(sql, "20 years"), null);
    const [left] = await sql`select count(*)::int as rows from public.audit_log`;
    assertEquals(left?.rows, 0);
  });
});

test("log partitions: a drop gives up while a transaction uses the table, which then goes on", async () => {
  await withDatabase(async (sql) => {
    const workspaceId = await addOldPartitions(sql);
    const drop = () => run(sql, "gateway.drop_log_partition('20 years')");
    await sql.begin(async (writer) => {
      await writer`
        insert into public.changes (id, workspace_id) values (gen_random_uuid(), ${workspaceId})`;
      assertEquals(await drop(), 1, "the partition of the audit log");
      assertEquals(await drop(), null, "the writer holds changes");
      await writer`
        insert into public.audit_log (workspace_id, table_name, record_id)
        values (${workspaceId}, 'contacts', 1)`;
    });
    assertEquals([await drop(), await drop()], [1, 0]);
  });
});

test("log partitions: an addition gives up while a transaction uses the table", async () => {
  await withDatabase(async (sql) => {
    const { partition_name } = only(
      await sql<{ partition_name: string }[]>`
      select partition_name from private.log_partitions
      where table_name = 'changes' order by month desc limit 1`,
    );
    await sql`drop table private.${sql(partition_name)}`;
    const add = () => run(sql, "gateway.add_log_partition()");
    await sql.begin(async (reader) => {
      await reader`select from public.changes`;
      assertEquals(await add(), null);
    });
    assertEquals([await add(), await add()], [1, 0]);
  });
});

test("log partitions: members cannot drop them", async () => {
  const { admin } = await foundWorkspace();
  const drop = asCaller(admin, (tx) => tx`select private.drop_oldest_log_partition('20 years')`);
  assertEquals((await refusalOf(drop)).code, "42501");
});
