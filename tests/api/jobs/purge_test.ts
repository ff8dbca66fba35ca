/** Jobs that purge: the rows that they delete and keep, and concurrent runs. */
import { assertEquals } from "@std/assert";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { PURGE_KEYS, PURGE_TRASH, run } from "./run.ts";

/** Runs a job. Repeats it while the run of another test holds its lock, as a scheduler would. */
async function runToTheEnd(path: string): Promise<void> {
  for (let complete = false; !complete;) {
    const { status, body } = await run(path);
    assertEquals(status, 200, JSON.stringify(body));
    complete = body.complete;
  }
}

/** A workspace with deleted tags, `old` of them deleted 31 days ago. */
async function workspaceWithTrash(tags: number, old: number): Promise<string> {
  const { id } = await createWorkspace();
  await sql`
    insert into public.tags (name, color, workspace_id)
    select 'Tag ' || number, '#eeeeee', ${id} from generate_series(1, ${tags}::int) as number`;
  await sql`delete from public.tags where workspace_id = ${id}`;
  await sql`
    update private.trash set deleted_at = now() - interval '31 days'
    where id in (
      select id from private.trash where workspace_id = ${id} order by id limit ${old}
    )`;
  return id;
}

async function countTrash(workspaceId: string): Promise<number> {
  return (await sql`select from private.trash where workspace_id = ${workspaceId}`).length;
}

test("jobs.purge_trash deletes rows older than 30 days, also when it runs several times at the same time", async () => {
  const id = await workspaceWithTrash(2_050, 2_045);
  const answers = await Promise.all(Array.from({ length: 6 }, () => run(PURGE_TRASH)));
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  await runToTheEnd(PURGE_TRASH);
  assertEquals(await countTrash(id), 5);
  const purged = await sql<{ number: number; records: number; members: number }[]>`
    select
      count(*)::int as number,
      count(distinct record_id)::int as records,
      count(member_id)::int as members
    from public.audit_log where workspace_id = ${id} and action = 'purged'`;
  assertEquals([...purged], [{ number: 2_045, records: 2_045, members: 0 }]);
});

test("jobs.purge_trash does nothing while another run holds the lock", async () => {
  const id = await workspaceWithTrash(1, 1);
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('portico purge_trash', 0))`;
    const { status, body } = await run(PURGE_TRASH);
    assertEquals([status, body], [200, { ran: false, purged: {}, complete: false }]);
    assertEquals(await countTrash(id), 1);
  });
});

test("jobs.purge_idempotency_keys deletes expired keys, and no others", async () => {
  const user_id = crypto.randomUUID();
  const insertKey = (key: string, expires: string) =>
    sql`
      insert into gateway.idempotency_keys
        (user_id, idempotency_key, operation, fingerprint, expires_at)
      values (${user_id}, ${key}, 'tags.create', 'x', now() + ${expires}::interval)`;
  await insertKey("expired", "-1 minute");
  await insertKey("valid", "1 minute");
  const limit = `test ${user_id}`;
  await sql`
    insert into gateway.rate_limits (key, window_start) values
      (${limit}, now() - interval '2 hours'), (${`${limit} new`}, now())`;
  await runToTheEnd(PURGE_KEYS);
  const keys = await sql<{ idempotency_key: string }[]>`
    select idempotency_key from gateway.idempotency_keys where user_id = ${user_id}`;
  assertEquals(keys.map(({ idempotency_key }) => idempotency_key), ["valid"]);
  const limits = await sql`select from gateway.rate_limits where key like ${`${limit}%`}`;
  assertEquals(limits.length, 1);
});
