/**
 * A request to an operation in a workspace where it succeeds, and what it has changed there. It is made
 * from the operation's declaration, for the tests that let a server fail at every step of a request.
 */
import * as z from "zod";
import { knowsParameter } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { states } from "../conformance/states.ts";
import type { AppUnderTest } from "../support/app.ts";
import {
  bodyOf,
  call,
  type CallOptions,
  creatableResources,
  recordsOf,
  requestTo,
  resourceOf,
} from "../support/operations.ts";
import { upload } from "../support/files.ts";
import { everythingIn } from "../support/records.ts";
import { operations } from "../support/registry.ts";
import {
  type Answer,
  createWorkspace,
  freshEmail,
  sql,
  stack,
  type Workspace,
} from "../support/workspace.ts";

/** A form of an operation's request that takes another way through the code. */
export interface Variant {
  name: string;
  query?(workspace: Workspace): string | Promise<string>;
  /** The caller's credential. Default: the access token of the workspace's admin. */
  token?(workspace: Workspace): Promise<string>;
  /** Fields that are added to the body. */
  body?(workspace: Workspace): object | Promise<object>;
}

/** A request and the rows of its workspace before it. */
export interface Situation {
  operation: Operation;
  workspace: Workspace;
  options: CallOptions;
  before: string[];
}

/** An undisturbed run of a request: the answer, and the changes that the request makes. */
export interface CleanRun {
  /** The index of the state of the record in which the operation succeeds. */
  state: number;
  status: number;
  changes: string[];
}

/** The longest time that a request may take on a busy machine. It means that the request hangs. */
const HANGS_AFTER = 60_000;
const STATES = 3;

/**
 * The requests of an operation, found in its declaration: its example, an export, an attached file, and
 * for operations that call another server each field that may need one.
 */
export function variantsOf(operation: Operation): Variant[] {
  const properties = bodyProperties(operation);
  const variants: Variant[] = [{ name: "" }];
  if (operation.queryExample?.path) variants.splice(0, 1, DOWNLOAD);
  if (knowsParameter(operation, "after")) {
    variants.push({ name: "as a feed", query: () => "?after=start" });
  } else if (knowsParameter(operation, "format")) {
    variants.push({ name: "as an export", query: () => "?format=ndjson" });
  }
  if ("attachments" in properties) variants.push(WITH_FILE);
  if (AS_KEY_TOO.includes(operation.id)) variants.push(AS_KEY);
  if (operation.kind !== "saga") return variants;
  for (const [field, { type }] of Object.entries(properties)) {
    const value = type === "boolean" ? () => true : field === "email" ? freshEmail : undefined;
    if (value) variants.push({ name: `with ${field}`, body: () => ({ [field]: value() }) });
  }
  return variants;
}

const DOWNLOAD: Variant = {
  name: "",
  query: async ({ admin }) => `?path=${encodeURIComponent(await upload(admin))}`,
};
/** A key's caller is found by one more statement, the same for every operation: a read and a write. */
const AS_KEY_TOO = ["tags.get", "tags.create"];
const AS_KEY: Variant = {
  name: "as an API key",
  token: async ({ admin }) =>
    (await admin.api.post("/api_keys", { name: "Zapier", role: "admin" })).body.secret,
};
const WITH_FILE: Variant = {
  name: "with a file",
  body: async ({ admin }) => ({ attachments: [{ path: await upload(admin) }] }),
};

function bodyProperties({ body }: Operation): Record<string, { type?: unknown }> {
  if (!body) return {};
  const schema = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  return z.object({ properties: z.record(z.string(), z.looseObject({ type: z.unknown() })) })
    .partial().parse(schema).properties ?? {};
}

/**
 * Makes a workspace, and in it a record for the operation in one of the states of
 * `tests/conformance/states.ts`. Every POST has an `Idempotency-Key`.
 */
export async function prepare(
  operation: Operation,
  variant: Variant,
  state: number,
): Promise<Situation> {
  const workspace = await createWorkspace();
  const make = states(workspace)[state] ?? recordsOf(workspace);
  const resource = resourceOf(operation);
  const id = resource === undefined ? undefined : await make(resource);
  const example = await bodyOf(operation, make, false);
  const added = await variant.body?.(workspace);
  if (operation.kind === "job") await makeOldRecords(workspace);
  const hasKey = operation.method === "POST" && operation.access === "member";
  const ofMember = await variant.token?.(workspace) ?? workspace.admin.token;
  const options: CallOptions = {
    id,
    token: operation.access === "service" ? stack.secretKey : ofMember,
    query: await variant.query?.(workspace),
    body: added ? { ...Object(example), ...added } : example,
    headers: hasKey ? { "Idempotency-Key": crypto.randomUUID() } : {},
  };
  const situation = { operation, workspace, options, before: [] };
  return { ...situation, before: await rowsOf(situation) };
}

/** Sends the request to an app. Throws when the app does not answer. */
export async function send(app: AppUnderTest, { operation, options }: Situation): Promise<Answer> {
  const { path, init } = requestTo(operation, options);
  return await answered(app.send(path, init), operation.id);
}

/** Waits for an answer. Throws when there is none. */
export async function answered<Value>(answer: Promise<Value>, name: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} hangs`)), HANGS_AFTER);
  });
  try {
    return await Promise.race([answer, hanging]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends the request again, to the stack's function, where nothing fails. */
export async function repeat({ operation, workspace, options }: Situation): Promise<Answer> {
  // As if the time had passed for which the first request has the key and the invitation to itself.
  await sql`
    update gateway.idempotency_keys set locked_until = now() - interval '1 second'
    where locked_until is not null and user_id = ${workspace.admin.user_id}`;
  await sql`
    update public.invitations set claimed_until = now() - interval '1 second'
    where claimed_until is not null and workspace_id = ${workspace.id}`;
  return await call(operation, options);
}

/** Runs all jobs until none has anything left to do. */
export async function runJobs(): Promise<void> {
  for (const job of operations.filter(({ kind }) => kind === "job")) {
    for (let isDone = false; !isDone;) {
      const { status, body } = await call(job, { token: stack.secretKey });
      if (status !== 200) throw new Error(`${job.id}: ${JSON.stringify(body)}`);
      isDone = body.complete !== false && body.ran !== false;
    }
  }
}

/**
 * Runs the operation in the first state in which it succeeds.
 * @param run sends the request and returns its answer.
 */
export async function cleanRun(
  operation: Operation,
  variant: Variant,
  run: (situation: Situation) => Promise<Answer>,
): Promise<CleanRun> {
  const refusals: unknown[] = [];
  for (let state = 0; state < STATES; state++) {
    const situation = await prepare(operation, variant, state);
    const { status, body } = await run(situation);
    if (status < 300) {
      if (operation.kind === "job") await runJobs();
      return { state, status, changes: await changesOf(situation) };
    }
    refusals.push(body);
  }
  throw new Error(`${operation.id} ${variant.name} never succeeds: ${JSON.stringify(refusals)}`);
}

/**
 * What has changed in the workspace since the situation was prepared: the rows that are gone and the
 * new ones. Values that differ between two runs of the same request are masked.
 */
export async function changesOf(situation: Situation): Promise<string[]> {
  const { before, operation, workspace } = situation;
  // The work goes on after the answer.
  if (operation.status === 202) await completeImports(workspace);
  const after = await rowsOf(situation);
  return [
    ...without(before, after).map((row) => `- ${masked(row)}`),
    ...without(after, before).map((row) => `+ ${masked(row)}`),
  ].sort();
}

/** Lets the job complete the imports of a workspace, as if the time of their processes was over. */
async function completeImports({ id }: Workspace): Promise<void> {
  for (;;) {
    const rows = await sql`
      update public.imports set due_at = now()
      where workspace_id = ${id} and state in ('checking', 'running', 'undoing')
      returning id`;
    if (rows.length === 0) return;
    const job = operations.find(({ id }) => id === "jobs.continue_imports");
    if (!job) throw new Error("No job continues imports.");
    await call(job, { token: stack.secretKey });
  }
}

/**
 * The changes that must be the same after a saga that was repeated. It may have logged more, and may have
 * queued a path that no upload uses, which the job removes.
 */
export function settled(changes: string[]): string[] {
  return changes.filter((row, index) =>
    !row.startsWith("+ public.audit_log ") &&
    !(row.startsWith("+ private.attachment_removals ") && changes.indexOf(row) < index)
  );
}

function without(rows: string[], others: string[]): string[] {
  const known = new Set(others);
  return rows.filter((row) => !known.has(row));
}

/**
 * Masks words with digits: ids, times, addresses and generated names. Drops search vectors. A job may
 * have done the work of a request.
 */
function masked(row: string): string {
  return row.replace('"operation": "jobs.continue_imports"', '"operation": "imports.run"')
    .replace(/"search": "(?:[^"\\]|\\.)*"/g, "")
    .replace(/[\w-]*\d[\w:.+-]*|\b[a-f]{8}\b/g, "#");
}

/** The rows of a workspace, of its accounts and files, and of its members' idempotency keys. */
async function rowsOf({ workspace, options }: Omit<Situation, "before">): Promise<string[]> {
  const addresses = JSON.stringify(options.body ?? "").match(/[\w.-]+@[\w.-]+/g) ?? [];
  const [records, others] = await Promise.all([
    everythingIn(workspace.id),
    sql<{ row: string }[]>`
      with members as (
        select user_id as id from public.sales where workspace_id = ${workspace.id}
        union
        select id from public.invitations where workspace_id = ${workspace.id}
      )
      select 'auth.users ' || jsonb_build_object(
        'id', id, 'email', email, 'banned', coalesce(banned_until > now(), false)
      )::text as row
      from auth.users
      where id in (select id from members) or email = any (${addresses})
      union all
      select 'gateway.idempotency_keys ' || jsonb_build_object(
        'key', idempotency_key, 'operation', operation, 'status', status::text || ' answered'
      )::text
      from gateway.idempotency_keys
      where user_id in (select id from members)
      union all
      select 'storage.objects ' || name
      from storage.objects
      where starts_with(name, ${workspace.id})`,
  ]);
  return [...records, ...others.map(({ row }) => row)].sort();
}

/** Makes a record of each kind, a record in the trash, and lets 40 days pass. */
async function makeOldRecords(workspace: Workspace): Promise<void> {
  const make = recordsOf(workspace);
  for (const resource of creatableResources) await make(resource);
  await upload(workspace.admin);
  await make("trash");
  const { api } = workspace.admin;
  await api.post("/contacts", {}, { "Idempotency-Key": crypto.randomUUID() });
  await passTime(workspace);
}

/** Moves every time in the workspace 40 days back. */
async function passTime({ id, admin }: Workspace): Promise<void> {
  const columns = await sql<{ name: string; assignments: string }[]>`
    select
      format('%I.%I', table_schema, table_name) as name,
      string_agg(format('%1$I = %1$I - interval ''40 days''', column_name), ', ') as assignments
    from information_schema.columns
    join information_schema.tables using (table_schema, table_name)
    where data_type = 'timestamp with time zone'
      and table_schema in ('public', 'private')
      and table_type = 'BASE TABLE'
      -- Rows of a partition are updated through its parent, which moves them.
      and not exists (
        select from pg_inherits
        where inhrelid = format('%I.%I', table_schema, table_name)::regclass
      )
      and exists (
        select from information_schema.columns as workspaces
        where workspaces.table_schema = columns.table_schema
          and workspaces.table_name = columns.table_name
          and workspaces.column_name = 'workspace_id'
      )
    group by table_schema, table_name`;
  await sql.begin(async (tx) => {
    // Without triggers, which would set the times anew.
    await tx`set local session_replication_role = replica`;
    for (const { name, assignments } of columns) {
      await tx.unsafe(`update ${name} set ${assignments} where workspace_id = $1`, [id]);
    }
    await tx`
      update gateway.idempotency_keys set expires_at = expires_at - interval '40 days'
      where user_id = ${admin.user_id}`;
  });
}
