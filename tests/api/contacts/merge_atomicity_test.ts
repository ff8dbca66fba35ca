/** contacts.merge: a failure at any statement changes nothing, and the same merge then succeeds. */
import { assert, assertEquals } from "@std/assert";
import { exactly } from "../../support/exactly.ts";
import { connectionsAre, type Fault, withProxiedApp } from "../../support/databaseProxy.ts";
import type { AppUnderTest } from "../../support/app.ts";
import { assertProblem } from "../../support/answers.ts";
import {
  countRows,
  danglingContacts,
  everythingIn,
  insertRow,
  insertRows,
} from "../../support/records.ts";
import {
  type Answer,
  createWorkspace,
  sql,
  test,
  type Workspace,
} from "../../support/workspace.ts";

const MORE_THAN_A_MERGE_HAS = 40;
/** The number of statements that are sent together with the first. */
const BEGINNING = 3;
const TABLES = ["contacts", "tasks", "contact_notes", "deals"];

interface Attempt {
  winner: number;
  loser_ids: number[];
  idempotency_key?: string;
}

/** A winner and two losers with related records. */
async function prepare(workspace: Workspace): Promise<Attempt> {
  const ids = await insertRows(workspace, "contacts", [{ title: "Boss" }, {}, { status: "hot" }]);
  const [winner, ...loser_ids] = ids;
  await insertRows(workspace, "tasks", ids.map((contact_id) => ({ contact_id })));
  await insertRows(workspace, "contact_notes", ids.map((contact_id) => ({ contact_id })));
  await insertRow(workspace, "deals", { name: "deal", stage: "won", contact_ids: ids });
  return { winner, loser_ids };
}

function merge(app: AppUnderTest, workspace: Workspace, attempt: Attempt): Promise<Answer> {
  const { winner, loser_ids, idempotency_key } = attempt;
  return app.send(`/api/contacts/${winner}/merge`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${workspace.admin.token}`,
      "Content-Type": "application/json",
      ...(idempotency_key && { "Idempotency-Key": idempotency_key }),
    },
    body: JSON.stringify({ loser_ids }),
  });
}

/** Breaks the connection at the first statement, the second, … until a merge goes through. */
async function breakEverywhere(
  fault: Fault,
  check: (workspace: Workspace, before: string[]) => Promise<void>,
): Promise<number> {
  const workspace = await createWorkspace();
  const unseen: number[] = [];
  let at = 0;
  await withProxiedApp(async (app, proxy) => {
    await merge(app, workspace, await prepare(workspace));
    for (at = 1; at < MORE_THAN_A_MERGE_HAS; at++) {
      const attempt = { ...await prepare(workspace), idempotency_key: crypto.randomUUID() };
      const [before, counts] = [
        await everythingIn(workspace.id),
        await countRows(workspace.id, TABLES),
      ];
      proxy.watch(at, fault);
      const failed = await merge(app, workspace, attempt);
      const { broken } = proxy;
      proxy.watch();
      if (!broken) return assertEquals(failed.status, 200);
      // Until the database ends the lost transaction, the same key is in use.
      await connectionsAre(proxy, (rows) => rows.every(({ state }) => state === "idle"));
      // A connection that is lost before its transaction begins is replaced, and the merge succeeds.
      if (failed.status === 200) unseen.push(at);
      else {
        assertProblem(failed, 503, "database_unavailable");
        await check(workspace, before);
      }
      const repeated = await merge(app, workspace, attempt);
      assertEquals([repeated.status, repeated.body.merged_ids], [200, attempt.loser_ids]);
      assertEquals(repeated.body.moved, {
        tasks: 2,
        contact_notes: 2,
        deals: 1,
        contact_dismissals: 0,
      });
      assertEquals(await countRows(workspace.id, TABLES), {
        ...counts,
        contacts: (counts.contacts ?? 0) - 2,
      });
      assertEquals(await danglingContacts(workspace.id), []);
    }
  });
  assert(unseen.every((statement) => statement <= BEGINNING), unseen.join());
  return at - 1;
}

test("contacts.merge changes nothing when the connection breaks before any of its statements", async () => {
  const statements = await breakEverywhere("before", async (workspace, before) => {
    assertEquals(await everythingIn(workspace.id), before);
  });
  assert(statements >= 10, `${statements} statements`);
});

test("contacts.merge is complete or changes nothing when the connection breaks after any statement", async () => {
  let committed = 0;
  const statements = await breakEverywhere("after", async (workspace, before) => {
    const after = await everythingIn(workspace.id);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    committed += 1;
    assertEquals(await danglingContacts(workspace.id), []);
  });
  assert(statements >= 10, `${statements} statements`);
  assertEquals(committed, 1, "only a lost answer to the commit may leave a merge behind");
});

/** Runs work while a trigger raises an error for one workspace. */
async function withFault(
  workspace: Workspace,
  event: string,
  { errcode, times }: { errcode: string; times: number },
  work: () => Promise<void>,
): Promise<void> {
  const name = `fault_${crypto.randomUUID().replaceAll("-", "")}`;
  const [verb, table] = exactly(2, event.split(" on "));
  const row = verb === "delete" ? "old" : "new";
  await sql.unsafe(`
    create schema ${name};
    grant usage on schema ${name} to public;
    create sequence ${name}.raised;
    create function ${name}.fail() returns trigger language plpgsql security definer as $$
    begin
      if nextval('${name}.raised') <= ${times} then
        raise exception using errcode = '${errcode}', message = 'a fault';
      end if;
      return ${row};
    end $$;
    create trigger ${name} before ${verb} on ${table} for each row
      when (${row}.workspace_id = '${workspace.id}') execute function ${name}.fail();`);
  try {
    await work();
  } finally {
    // The drop locks partitions before their parent, and an insert the parent before a partition. With
    // the parent locked first there is no deadlock.
    await sql.begin((tx) =>
      tx.unsafe(`
        lock table ${table} in access exclusive mode;
        drop schema ${name} cascade`)
    );
  }
}

const EVENTS = [
  "update on public.tasks",
  "update on public.contact_notes",
  "update on public.deals",
  "update on public.contacts",
  "delete on public.contacts",
  "insert on private.trash",
  "insert on public.audit_log",
];

for (const event of EVENTS) {
  test(`contacts.merge changes nothing when the ${event} fails, and then succeeds`, async () => {
    const workspace = await createWorkspace();
    const { winner, loser_ids } = await prepare(workspace);
    const post = () => workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
    const before = await everythingIn(workspace.id);
    await withFault(workspace, event, { errcode: "P0001", times: 1_000 }, async () => {
      assertProblem(await post(), 500, "internal");
      assertEquals(await everythingIn(workspace.id), before);
    });
    const { status, body } = await post();
    assertEquals([status, body.moved], [200, {
      tasks: 2,
      contact_notes: 2,
      deals: 1,
      contact_dismissals: 0,
    }]);
  });

  test(`contacts.merge is retried when the ${event} meets a serialization failure`, async () => {
    const workspace = await createWorkspace();
    const { winner, loser_ids } = await prepare(workspace);
    await withFault(workspace, event, { errcode: "40001", times: 2 }, async () => {
      const { status, body } = await workspace.admin.api.post(`/contacts/${winner}/merge`, {
        loser_ids,
      });
      assertEquals([status, body.moved], [200, {
        tasks: 2,
        contact_notes: 2,
        deals: 1,
        contact_dismissals: 0,
      }]);
    });
    assertEquals(await danglingContacts(workspace.id), []);
  });
}

test("contacts.merge takes at most 8 round trips to the database", async () => {
  const workspace = await createWorkspace();
  await withProxiedApp(async (app, proxy) => {
    const warm = () => prepare(workspace).then((attempt) => merge(app, workspace, attempt));
    await warm();
    const attempt = await prepare(workspace);
    proxy.watch();
    assertEquals((await merge(app, workspace, attempt)).status, 200);
    assert(proxy.roundTrips + 1 <= 8, `${proxy.roundTrips + 1} round trips`);
    const keyed = { ...await prepare(workspace), idempotency_key: crypto.randomUUID() };
    await merge(app, workspace, {
      ...await prepare(workspace),
      idempotency_key: crypto.randomUUID(),
    });
    proxy.watch();
    assertEquals((await merge(app, workspace, keyed)).status, 200);
    // One more on a pooler: the answer is stored with the id of its change.
    assert(proxy.roundTrips + 1 <= 9, `${proxy.roundTrips + 1} round trips with a key`);
  });
});
