/**
 * Measures what the log of changes costs: the same writes with and without its triggers, in turn, in one
 * database.
 */

import postgres from "postgres";
import { figure, type Finding } from "./report.ts";
import type { Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

const UPDATED = 1_000;
const INSERTED = 50_000;
const LOG_TRIGGERS = ["05_audit_inserted", "05_audit_updated", "05_audit_deleted"];
const BUDGET = { atMost: 1.25 };

/** Milliseconds of the fastest rounds: other work on the machine only adds time. */
interface Times {
  logged: number;
  unlogged: number;
}

/** Measures `rounds` writes of each kind. `sql` is the superuser's, whose tables these are. */
export async function measureLog(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
  rounds: number,
): Promise<Finding[]> {
  await using server = await startServer("../supabase/functions/api/index.ts", environment);
  const ids = await sql<{ id: number }[]>`
    select id::int as id from public.contacts
    where workspace_id = ${tenant.workspaceId} order by md5(id::text) limit ${UPDATED}`;
  const contacts = ids.map(({ id }) => id);
  const updates = await inTurn(sql, rounds, () => updateMany(server.port, tenant, contacts));
  const inserts = await inTurn(
    sql,
    Math.ceil(rounds / 3),
    () => insertMany(sql, tenant),
  );
  return [
    findingOf("bulk update of 1,000 contacts / the same without the log", updates),
    findingOf("insert of 50,000 contacts by SQL / the same without the log", inserts),
  ];
}

async function inTurn(
  sql: postgres.Sql,
  rounds: number,
  write: () => Promise<number>,
): Promise<Times> {
  const times = { logged: [] as number[], unlogged: [] as number[] };
  await write();
  for (let round = 0; round < rounds; round++) {
    // Each kind begins as often as the other.
    const kinds = round % 2 === 0
      ? ["logged", "unlogged"] as const
      : ["unlogged", "logged"] as const;
    for (const kind of kinds) {
      await switchLog(sql, kind === "logged" ? "enable" : "disable");
      times[kind].push(await write());
    }
  }
  await switchLog(sql, "enable");
  return { logged: Math.min(...times.logged), unlogged: Math.min(...times.unlogged) };
}

async function switchLog(sql: postgres.Sql, action: "enable" | "disable"): Promise<void> {
  for (const name of LOG_TRIGGERS) {
    await sql.unsafe(`alter table public.contacts ${action} trigger "${name}"`);
  }
}

/** Updates a random value of 1,000 contacts through the function. */
async function updateMany(port: number, { token }: Tenant, ids: number[]): Promise<number> {
  const start = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/api/contacts/bulk`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ ids, set: { status: crypto.randomUUID() } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return performance.now() - start;
}

/** Inserts 50,000 contacts by one statement, as a member, and takes them back. */
async function insertMany(sql: postgres.Sql, tenant: Tenant): Promise<number> {
  let milliseconds = 0;
  const claims = atob(tenant.token.split(".")[1] ?? "");
  await sql.begin(async (tx) => {
    await tx`
      select set_config('request.jwt.claims', ${claims}, true),
        set_config('role', 'authenticated', true)`;
    const start = performance.now();
    await tx`
      insert into public.contacts (first_name, last_name, title, status, email_jsonb)
      select
        'First ' || number, 'Last ' || md5(number::text), 'Buyer', 'warm',
        jsonb_build_array(
          jsonb_build_object('email', 'new' || number || '@example.test', 'type', 'Work')
        )
      from generate_series(1, ${INSERTED}::int) as number`;
    milliseconds = performance.now() - start;
    throw new TakenBack();
  }).catch((error) => {
    if (!(error instanceof TakenBack)) throw error;
  });
  return milliseconds;
}

/** Ends a transaction with a rollback. */
class TakenBack extends Error {}

function findingOf(what: string, { logged, unlogged }: Times): Finding {
  return {
    what,
    measured: `${figure(logged)} ms / ${figure(unlogged)} ms`,
    value: logged / unlogged,
    budget: BUDGET,
    unit: " ×",
  };
}
