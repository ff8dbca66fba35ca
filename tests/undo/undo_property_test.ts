/**
 * Undo of random changes: every write operation of the registry takes part with random requests.
 * After each change: its undo returns every table to its state before, and the undo of the undo
 * returns the state after. `UNDO_CASES` sets the number of cases, `UNDO_SEED` the first seed.
 */
import { assertEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { allowedOf, routeOf } from "../../supabase/functions/_shared/facts.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { pick, seeded } from "../support/random.ts";
import { operationForms } from "../support/registry.ts";
import { type Answer, createWorkspace, sql, test, type Workspace } from "../support/workspace.ts";
import { type Ids, randomBody, type Source, tableOf } from "./randomRequest.ts";
import { editsThatHold } from "./edits.ts";
import { differences, snapshotOf, withoutCreated, withTrashedIdsOnly } from "./snapshot.ts";

const CASES = Number(Deno.env.get("UNDO_CASES") ?? 2_000);
const SEED = Number(Deno.env.get("UNDO_SEED") ?? 1);
const WALKS = 20;

// An import is many changes of one file, made in the background: imports_test.ts.
const writes = operationForms.filter((operation) =>
  !operation.id.startsWith("imports.") &&
  (operation.kind === "write" || operation.kind === "saga") && operation.method !== "GET" &&
  operation.surface !== "atomic" &&
  allowedOf(operation) && operation.id !== "changes.undo" && operation.queryExample === undefined
);

/** Operation → number of its undone changes. */
type Counts = Map<string, number>;

test(`undo: ${CASES} random changes, each undone and repeated`, async () => {
  await withApp({ rateLimit: 0 }, async (app) => {
    const walks = Array.from({ length: WALKS }, (_, index) => walk(app, SEED + index));
    const ended = await Promise.allSettled(walks);
    const failures = ended.flatMap((end) => end.status === "rejected" ? [String(end.reason)] : []);
    assertEquals(failures, []);
    const counts = ended.flatMap((end) => end.status === "fulfilled" ? [...end.value] : []);
    const called = new Set(counts.map(([id]) => id));
    const never = writes.filter(({ id }) => !called.has(id)).map(({ id }) => id);
    assertEquals(never, [], "Operations that no case has called with success");
  });
});

async function walk(app: AppUnderTest, seed: number): Promise<Counts> {
  const undone: Counts = new Map();
  const random = seeded(seed);
  const workspace = await createWorkspace();
  await workspace.addMember("rep");
  const send = sender(app, workspace);
  for (let cases = 0; cases < CASES / WALKS;) {
    const operation = rarer(undone, pick(random, writes), pick(random, writes));
    const before = await snapshotOf(workspace.id);
    const { answer, request } = await randomCall(operation, workspace, random, send);
    const changeId = answer.headers.get("Portico-Change");
    if (changeId === null) {
      // The auth server changes members in transactions of its own.
      if (answer.status < 300) undone.set(operation.id, undone.get(operation.id) ?? 0);
      if (operation.kind === "write") {
        assertEquals(differences(before, await snapshotOf(workspace.id)), {}, request);
      }
      continue;
    }
    cases++;
    const context = `seed ${seed}, ${request}, change ${changeId}`;
    if (random() < 0.3) {
      const edits = await randomEdits(changeId, workspace, random, send);
      await undoBehindEdits(changeId, edits, workspace, send, context);
    } else await undoAndRepeat(operation, changeId, before, workspace, send, context);
    undone.set(operation.id, (undone.get(operation.id) ?? 0) + 1);
  }
  return undone;
}

function rarer(undone: Counts, left: Operation, right: Operation): Operation {
  return (undone.get(left.id) ?? 0) <= (undone.get(right.id) ?? 0) ? left : right;
}

async function undoAndRepeat(
  operation: Operation,
  changeId: string,
  before: Record<string, string[]>,
  workspace: Workspace,
  send: Send,
  context: string,
): Promise<void> {
  const after = await snapshotOf(workspace.id);
  const undo = await send("POST", `/api/changes/${changeId}/undo`, {});
  // Users have accounts in the auth server, which an undo does not reach.
  if (operation.kind === "saga") return;
  if (undo.status === 409) {
    // No secret of a key returns.
    const reason = operation.id === "api_keys.rotate" ? "account" : "purged";
    assertEquals(reasonsOf(undo), [reason], `${context}: ${JSON.stringify(undo.body)}`);
    return;
  }
  assertEquals(undo.status, 200, `${context}: ${JSON.stringify(undo.body)}`);
  const returned = withoutCreated(await snapshotOf(workspace.id), before, after);
  // A restored record may have a new parent, to which it belongs in the trash too.
  const compared = operation.id.endsWith(".restore")
    ? differences(withTrashedIdsOnly(before), withTrashedIdsOnly(returned))
    : differences(before, returned);
  assertEquals(compared, {}, `undo: ${context}`);
  const repeated = undo.body.change_id;
  if (repeated === null) return;
  const redo = await send("POST", `/api/changes/${repeated}/undo`, {});
  if (operation.id === "api_keys.create") {
    // A revoked key never returns.
    assertEquals([redo.status, ...reasonsOf(redo)], [409, "purged"], `redo: ${context}`);
    return;
  }
  assertEquals(redo.status, 200, `redo: ${context}: ${JSON.stringify(redo.body)}`);
  assertEquals(differences(after, await snapshotOf(workspace.id)), {}, `redo: ${context}`);
}

/** The reasons for which an undo was refused, each once. */
function reasonsOf({ body }: Answer): string[] {
  const conflicts: { reason: string }[] = body.conflicts ?? [];
  return [...new Set(conflicts.map(({ reason }) => reason))];
}

/**
 * Up to three more changes, made after the one that will be undone. Two of them update records that it
 * changed, when there are such records.
 */
async function randomEdits(
  changeId: string,
  workspace: Workspace,
  random: () => number,
  send: Send,
): Promise<string[]> {
  const edits: string[] = [];
  const records = await sql<{ operation: string; id: number }[]>`
    select distinct table_name || '.update' as operation, record_id::int as id
    from public.audit_log
    where workspace_id = ${workspace.id} and change_id = ${changeId} and table_name <> 'sales'
    order by 1, 2`;
  for (let left = 3; left > 0; left--) {
    const record = left > 1 && records.length > 0 ? pick(random, records) : undefined;
    const operation = writes.find(({ id }) => id === record?.operation) ??
      pick(random, writes.filter(({ kind }) => kind === "write"));
    const { answer } = await randomCall(operation, workspace, random, send, record?.id);
    edits.push(...[answer.headers.get("Portico-Change") ?? []].flat());
  }
  return edits;
}

/** An undo that keeps later changes loses none of them. One that refuses changes nothing. */
async function undoBehindEdits(
  changeId: string,
  edits: string[],
  workspace: Workspace,
  send: Send,
  context: string,
): Promise<void> {
  const before = await snapshotOf(workspace.id);
  const refused = await send("POST", `/api/changes/${changeId}/undo`, { dry_run: true });
  assertEquals(differences(before, await snapshotOf(workspace.id)), {}, `dry run: ${context}`);
  const held = await editsThatHold(workspace.id, edits, changeId);
  const undo = await send("POST", `/api/changes/${changeId}/undo`, { on_conflict: "keep" });
  if (undo.status === 409 && undo.body.code === "already_undone") return;
  const message = `${context}, edits ${edits}, ${JSON.stringify(undo.body)}`;
  assertEquals(undo.status, 200, `${message} after ${refused.status}`);
  const holding = await editsThatHold(workspace.id, edits, changeId);
  assertEquals(held.filter((edit) => !holding.includes(edit)), [], message);
}

type Send = (method: string, path: string, body: unknown) => Promise<Answer>;

function sender(app: AppUnderTest, { admin }: Workspace): Send {
  return async (method, path, body) => {
    const answer = await app.send(path, {
      method,
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.status < 500) return answer;
    const line = app.lines.find(({ request_id }) => request_id === answer.body.request_id);
    throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(line)}`);
  };
}

async function randomCall(
  operation: Operation,
  workspace: Workspace,
  random: () => number,
  send: Send,
  chosenId?: number,
) {
  const { live, deleted } = await idsIn(workspace.id);
  const source: Source = { random, ids: live, words: WORDS };
  const table = tableOf("id", operation, live) ?? "";
  // The caller stays an admin, whose undo is not refused for lack of rights.
  const known = ((/restore/.test(operation.id) ? deleted[table] : live[table]) ?? [])
    .filter((id) => table !== "users" || id !== workspace.admin.id);
  const id = chosenId ?? (known.length > 0 ? pick(random, known) : 1);
  const other = known.length > 0 ? pick(random, known) : 2;
  const query = operation.queryExample?.ids ? `?ids=${other},${id}` : "";
  const path = routeOf(operation).replace(/:\w+/g, String(id)) + query;
  const body = randomBody(operation, source);
  const answer = await send(operation.method, path, body);
  return { answer, request: `${operation.method} ${path} ${JSON.stringify(body)}` };
}

const WORDS = {
  stage: ["opportunity", "proposal-sent", "won", "lost"],
  category: ["new-business", "renewal"],
  type: ["none", "email", "call"],
  status: ["cold", "warm", "hot"],
};

const recordTables = await sql<{ table_name: string }[]>`
  select table_name from private.record_tables`;

/** Ids by resource, of records that exist and of deleted records. */
async function idsIn(workspaceId: string): Promise<{ live: Ids; deleted: Ids }> {
  const live = recordTables.map(({ table_name }) =>
    sql`
      select true as is_live, ${table_name}::text as name, id
      from public.${sql(table_name)} where workspace_id = ${workspaceId}
      union all`
  );
  const rows = await sql<{ is_live: boolean; name: string; ids: number[] }[]>`
    select is_live, name, array_agg(id::int order by id) as ids
    from (
      ${live}
      select is_live, 'users', id
      from public.sales cross join (values (true), (false)) as listed (is_live)
      where workspace_id = ${workspaceId}
      union all
      select is_live, 'trash', id
      from private.trash cross join (values (true), (false)) as listed (is_live)
      where workspace_id = ${workspaceId}
      union all
      select false, table_name, record_id from private.trash
      where workspace_id = ${workspaceId} and reason = 'deleted'
    ) as known
    group by is_live, name`;
  const named = (live: boolean) =>
    Object.fromEntries(
      rows.filter(({ is_live }) => is_live === live).map(({ name, ids }) => [name, ids]),
    );
  return { live: named(true), deleted: named(false) };
}
