/**
 * `deno task bench-duplicates [--size=100000]`: measures the detection of duplicates on a new stack,
 * and prints precision and recall on a labelled sample. docs/duplicates.md has the figures.
 */
import postgres from "postgres";
import { functionEnvironment } from "../dev/functionEnvironment.ts";
import { type Stack, startStack } from "../dev/stack.ts";
import { removeStackData, temporaryDirectory } from "../dev/stackData.ts";
import { duplicatesSample, qualityOf, recallByLabel } from "./duplicatesSample.ts";
import { findPairs, insertSample, type Target } from "./duplicatesSeed.ts";
import { median } from "./load.ts";
import { createTenant, type Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

const SAMPLE = { people: 2_000, seed: 1 };
const SCORES = [0, 0.3, 0.5, 0.7, 0.8];
const ROUNDS = 25;

async function main(): Promise<void> {
  const size = Number(
    Deno.args.find((argument) => argument.startsWith("--size="))?.slice(7) ?? 100_000,
  );
  const directory = await temporaryDirectory();
  await using parts = new AsyncDisposableStack();
  parts.defer(async () => {
    await removeStackData(directory);
    await Deno.remove(directory, { recursive: true });
  });
  const stack = await startStack({
    directory,
    durable: false,
    runFunction: false,
    log: console.error,
  });
  parts.defer(() => stack.stop());
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  parts.defer(() => sql.end());
  await printQuality(sql, await createTenant(sql, stack));
  await using server = await startServer("../supabase/functions/api/index.ts", {
    ...await functionEnvironment(stack),
    RATE_LIMIT_PER_MINUTE: "1200000",
  });
  await printTimes(sql, stack, server.port, size);
}

async function printQuality(sql: postgres.Sql, tenant: Tenant): Promise<void> {
  const sample = duplicatesSample(SAMPLE.people, SAMPLE.seed);
  const target = targetOf(tenant);
  const ids = await insertSample(sql, target, sample);
  for (
    const [kind, records, own] of [
      ["contact", sample.contacts, ids.contacts],
      ["company", sample.companies, ids.companies],
    ] as const
  ) {
    const pairs = await findPairs(sql, target, kind, own);
    console.log(`${kind}: ${records.length} records`);
    console.table(SCORES.map((score) => qualityOf(records, pairs, score)));
    console.table(recallByLabel(records, pairs, 0.5));
  }
}

/** Each case: what the contacts of a workspace have in common. */
const CASES: Record<string, (size: number) => string> = {
  "usual data, 2 % duplicates": (size) => `
    'First' || md5((n % ${Math.floor(size * 0.98)})::text),
    'Last' || md5((n % ${Math.floor(size * 0.98)} / 3)::text), null::bigint,
    'p' || (n % ${Math.floor(size * 0.98)}) || '@firm' || n / 20 || '.example',
    '+49 30 ' || 1000000 + n`,
  "one e-mail domain": () => `
    'First' || md5((n % 700)::text), 'Last' || md5((n % 3000)::text), null::bigint,
    'p' || n || '@one.example', null`,
  "one name, domain and address": () => `
    'Ada', 'Lovelace', null::bigint, 'info@one.example', '+49 30 1234567'`,
  "groups of 20 equal contacts": () => `
    'First' || md5((n / 20)::text), 'Last' || md5((n / 20)::text), null::bigint,
    'p' || n / 20 || '@one.example', '+49 30 ' || 1000000 + n / 20`,
};

async function printTimes(
  sql: postgres.Sql,
  stack: Stack,
  port: number,
  size: number,
): Promise<void> {
  for (const [name, columns] of Object.entries(CASES)) {
    const tenant = await createTenant(sql, stack);
    const insert = await timed(() => insertContacts(sql, tenant, columns(size), size));
    await sql.unsafe("analyze public.contacts, private.duplicate_keys");
    const ids = await sql<{ id: number }[]>`
      select id::float8 as id from public.contacts
      where workspace_id = ${tenant.workspaceId} order by md5(id::text) limit ${ROUNDS + 1}`;
    const all = await timed(() => get(port, tenant, "/contacts/duplicates?limit=100"));
    const one: number[] = [];
    for (const { id } of ids) {
      one.push(await timed(() => get(port, tenant, `/contacts/${id}/duplicates`)));
    }
    console.log(
      `${name}, ${size} contacts: inserted in ${
        insert.toFixed(0)
      } ms, first page of all pairs in ` +
        `${all.toFixed(0)} ms, duplicates of one contact in ${median(one.slice(1)).toFixed(1)} ms`,
    );
  }
}

async function insertContacts(
  sql: postgres.Sql,
  { workspaceId, memberId }: Tenant,
  columns: string,
  size: number,
): Promise<void> {
  await sql`
    insert into public.contacts (
      workspace_id, sales_id, first_name, last_name, company_id, email_jsonb, phone_jsonb
    )
    select
      ${workspaceId}, ${memberId}, c.first_name, c.last_name, c.company_id,
      jsonb_build_array(jsonb_build_object('email', c.email, 'type', 'Work')),
      case when c.phone is not null then
        jsonb_build_array(jsonb_build_object('number', c.phone, 'type', 'Work'))
      end
    from generate_series(1, ${size}::int) as n
    cross join lateral (select ${sql.unsafe(columns)})
      as c (first_name, last_name, company_id, email, phone)`;
}

async function get(port: number, { token }: Tenant, path: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/api${path}`, { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function targetOf({ workspaceId, memberId, token }: Tenant): Target {
  return { workspaceId, memberId, claims: atob(token.split(".")[1] ?? "") };
}

if (import.meta.main) await main();
