/**
 * Measures the merge of a contact with 1,000 related rows: through the function, and by the same
 * statements in one transaction of the driver as the tables' owner. Then its undo: through the function,
 * and by the bare SQL function.
 */

import postgres from "postgres";
import { median } from "./load.ts";
import { startRelay } from "./roundTrips.ts";
import type { Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

export interface MergeResult {
  /** Milliseconds, medians. */
  function: number;
  bare: number;
  undo: number;
  bareUndo: number;
  /** Of the function's own connection. */
  roundTrips: RoundTrips;
  /** The same without prepared statements, as behind a pooler that would lose them. */
  unprepared: RoundTrips;
}

/** Of one request each, on a connection that was used before. */
export interface RoundTrips {
  list: number;
  patch: number;
  merge: number;
  undo: number;
}

interface Pair {
  winner: number;
  loser: number;
}

const TASKS = 450;
const NOTES = 450;
const DEALS = 100;

/** Measures `rounds` merges of each kind in turn. `databaseUrl` is the owner's. */
export async function measureMerge(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
  databaseUrl: string,
  rounds: number,
): Promise<MergeResult> {
  await using server = await startServer("../supabase/functions/api/index.ts", environment);
  const pairs = await seedPairs(sql, tenant, 3 * rounds + 11);
  await sql.unsafe("analyze public.contacts, public.tasks, public.contact_notes, public.deals");
  const next = () => pairs.pop() ?? { winner: 0, loser: 0 };
  const owner = postgres(databaseUrl, { max: 1 });
  try {
    const kinds = ["function", "bare", "undo", "bareUndo"] as const;
    const rows: Record<typeof kinds[number], number>[] = [];
    for (let round = 0; round <= rounds; round++) {
      let merge = "";
      const merged = await timed(async () =>
        merge = await mergeOverHttp(server.port, tenant, next())
      );
      const bare = await timed(() => mergeBare(owner, tenant, next()));
      const undo = await timed(() => undoOverHttp(server.port, tenant, merge));
      const other = await mergeOverHttp(server.port, tenant, next());
      const bareUndo = await timed(() => undoBare(owner, tenant, other));
      if (round > 0) rows.push({ function: merged, bare, undo, bareUndo });
    }
    const medianOf = (kind: typeof kinds[number]) => median(rows.map((row) => row[kind]));
    return {
      function: medianOf("function"),
      bare: medianOf("bare"),
      undo: medianOf("undo"),
      bareUndo: medianOf("bareUndo"),
      roundTrips: await countRoundTrips(tenant, environment, "", next),
      unprepared: await countRoundTrips(tenant, environment, "?prepare=false", next),
    };
  } finally {
    await owner.end();
  }
}

async function countRoundTrips(
  tenant: Tenant,
  environment: Record<string, string>,
  parameters: string,
  next: () => Pair,
): Promise<RoundTrips> {
  const url = new URL(environment.DATABASE_URL ?? "");
  await using relay = startRelay(Number(url.port));
  url.port = String(relay.port);
  const relayed = { DATABASE_URL: url.href + parameters, DATABASE_CONNECTIONS: "1" };
  await using server = await startServer("../supabase/functions/api/index.ts", {
    ...environment,
    ...relayed,
  });
  const countOf = async (request: () => Promise<unknown>) => {
    await request();
    relay.take();
    await request();
    return relay.take();
  };
  const { winner } = next();
  const merges: string[] = [];
  const merge = async () => merges.push(await mergeOverHttp(server.port, tenant, next()));
  return {
    list: await countOf(() => list(server.port, tenant)),
    patch: await countOf(() => patch(server.port, tenant, winner)),
    merge: await countOf(merge),
    undo: await countOf(() => undoOverHttp(server.port, tenant, merges.pop() ?? "")),
  };
}

async function patch(port: number, { token }: Tenant, id: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/contacts/${id}`, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ title: crypto.randomUUID() }),
  });
  if (!response.ok) throw new Error(await response.text());
  await response.body?.cancel();
}

async function seedPairs(sql: postgres.Sql, tenant: Tenant, count: number): Promise<Pair[]> {
  const { workspaceId, memberId } = tenant;
  const rows = await sql<{ id: number }[]>`
    insert into public.contacts (workspace_id, sales_id, first_name, email_jsonb)
    select
      ${workspaceId}, ${memberId}, 'Merged',
      jsonb_build_array(jsonb_build_object('email', 'merge' || number || '@example.test', 'type', 'Work'))
    from generate_series(1, ${2 * count}::int) as number
    returning id::int as id`;
  const ids = rows.map(({ id }) => id);
  const losers = ids.slice(count);
  await sql`
    insert into public.tasks (workspace_id, sales_id, contact_id, text)
    select ${workspaceId}, ${memberId}, id, 'Task'
    from unnest(${losers}::bigint[]) as id, generate_series(1, ${TASKS}::int)`;
  await sql`
    insert into public.contact_notes (workspace_id, sales_id, contact_id, text)
    select ${workspaceId}, ${memberId}, id, 'Note'
    from unnest(${losers}::bigint[]) as id, generate_series(1, ${NOTES}::int)`;
  await sql`
    insert into public.deals (workspace_id, sales_id, contact_ids, name, stage)
    select ${workspaceId}, ${memberId}, array[id], 'Deal', 'opportunity'
    from unnest(${losers}::bigint[]) as id, generate_series(1, ${DEALS}::int)`;
  return losers.map((loser, index) => ({ winner: ids[index] ?? 0, loser }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Returns the id of the change. */
async function mergeOverHttp(port: number, { token }: Tenant, pair: Pair): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/contacts/${pair.winner}/merge`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ loser_ids: [pair.loser] }),
  });
  const body = await response.json();
  const { tasks, contact_notes, deals } = body.moved ?? {};
  if (tasks !== TASKS || contact_notes !== NOTES || deals !== DEALS) {
    throw new Error(`The merge answered ${response.status} ${JSON.stringify(body)}`);
  }
  return body.merge_id;
}

async function undoOverHttp(port: number, { token }: Tenant, change: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/changes/${change}/undo`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: "{}",
  });
  const body = await response.json();
  if (body.changed?.tasks !== TASKS) {
    throw new Error(`The undo answered ${response.status} ${JSON.stringify(body)}`);
  }
}

async function undoBare(owner: postgres.Sql, tenant: Tenant, change: string): Promise<void> {
  const claims = atob(tenant.token.split(".")[1] ?? "");
  await owner.begin(async (sql) => {
    await sql`
      select set_config('request.jwt.claims', ${claims}, true),
        set_config('role', 'authenticated', true)`;
    await sql`select private.undo_change(${change}, 'refuse')`;
  });
}

async function list(port: number, { token }: Tenant): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/api/contacts`, { headers });
  if (!response.ok) throw new Error(await response.text());
  await response.body?.cancel();
}

/**
 * Sends the statements of `contacts.merge` in their order. Triggers need the member's
 * claims. Row-level security does not apply to the owner.
 */
async function mergeBare(owner: postgres.Sql, tenant: Tenant, pair: Pair): Promise<void> {
  const { winner, loser } = pair;
  const claims = tenant.token.split(".")[1] ?? "";
  const losers = `{${loser}}`;
  await owner.begin(async (sql) => {
    await sql`select set_config('request.jwt.claims', ${atob(claims)}, true)`;
    await sql`
      select to_jsonb(contacts) - 'search' as contact from public.contacts
      where id = any (${`{${winner},${loser}}`}::text::bigint[]) order by id for update`;
    await moveRelated(sql, winner, losers);
    await sql`update public.contacts set first_name = 'Merged', tags = null where id = ${winner}`;
    await sql`select set_config('portico.merged_into', ${String(winner)}, true)`;
    await sql`delete from public.contacts where id = any (${losers}::text::bigint[])`;
    await sql`select to_json(record) from public.contacts_summary as record where id = ${winner}`;
  });
}

/** Moves the losers' tasks, notes and deals to the winner; returns their numbers. */
function moveRelated(sql: postgres.TransactionSql, winner: number, losers: string) {
  return sql`
    with moved_tasks as (
      update public.tasks set contact_id = ${winner}
      where contact_id = any (${losers}::text::bigint[]) returning id
    ),
    moved_notes as (
      update public.contact_notes set contact_id = ${winner}
      where contact_id = any (${losers}::text::bigint[]) returning id
    ),
    moved_deals as (
      update public.deals set contact_ids = (
        select array_agg(mapped.id order by mapped.position)
        from (
          select
            case when held.id = any (${losers}::text::bigint[]) then ${winner}::bigint else held.id end as id,
            min(held.position) as position
          from unnest(deals.contact_ids) with ordinality as held (id, position)
          group by 1
        ) as mapped
      )
      where contact_ids && ${losers}::text::bigint[] returning id
    )
    select
      (select count(*)::float8 from moved_tasks) as tasks,
      (select count(*)::float8 from moved_notes) as contact_notes,
      (select count(*)::float8 from moved_deals) as deals`;
}
