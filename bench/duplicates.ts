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
import { figure } from "./report.ts";
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

/** The others repeat one of these, with the same address or the same phone number. */
function originals(size: number): number {
  return Math.floor(size * 0.98);
}

/** Each case: what the contacts of a workspace have in common. */
const CASES: Record<string, (size: number) => string> = {
  "usual data, 2 % duplicates": (size) => `
    'First' || left(md5((n % ${originals(size)})::text), 6),
    'Last' || left(md5((n % ${originals(size)} / 3)::text), 6), null::bigint,
    'p' || case when n % 2 = 0 then n else n % ${originals(size)} end || '@firm'
      || (n % ${originals(size)}) / 20 || '.example',
    '+49 30 ' || 1000000 + case when n % 2 = 0 then n % ${originals(size)} else n end`,
  "one e-mail domain": () => `
    'First' || left(md5((n % 700)::text), 6), 'Last' || left(md5((n / 700)::text), 6), null::bigint,
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
    await sql.unsafe("analyze public.contacts, private.contact_duplicate_keys");
    const ids = await sql<{ id: number }[]>`
      select id::float8 as id from public.contacts
      where workspace_id = ${tenant.workspaceId} order by md5(id::text) limit ${ROUNDS + 1}`;
    const first = await timed(() => get(port, tenant, "/contacts/duplicates"));
    const all = await readAll(port, tenant);
    const one: number[] = [];
    for (const { id } of ids) {
      one.push(await timed(() => get(port, tenant, `/contacts/${id}/duplicates`)));
    }
    console.log(
      `${name}, ${size} contacts: inserted in ${insert.toFixed(0)} ms, first 25 pairs in ` +
        `${first.toFixed(0)} ms, ${all}, ` +
        `duplicates of one contact in ${median(one.slice(1)).toFixed(1)} ms ` +
        `(load ${figure(Deno.loadavg()[0] ?? 0)})`,
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

/** Reads up to 20 pages, and describes their pairs and time. */
async function readAll(port: number, tenant: Tenant): Promise<string> {
  const start = performance.now();
  let [pairs, pages] = [0, 0];
  for (let cursor: string | null = ""; cursor !== null && pages < 20; pages++) {
    const path: string = `/contacts/duplicates?limit=5000${cursor && `&cursor=${cursor}`}`;
    const page = await get(port, tenant, path);
    pairs += page.data.length;
    cursor = page.next_cursor;
  }
  return `${pairs} pairs on ${pages} pages in ${(performance.now() - start).toFixed(0)} ms`;
}

interface Page {
  data: unknown[];
  next_cursor: string | null;
}

/** An answer that is no page has an empty one, and is printed. */
async function get(port: number, { token }: Tenant, path: string): Promise<Page> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/api${path}`, { headers });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  console.log(`${path}: ${response.status} ${text}`);
  return { data: [], next_cursor: null };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function targetOf({ workspaceId, memberId, token }: Tenant): Target {
  return { workspaceId, memberId, claims: atob(token.split(".")[1] ?? "") };
}

if (import.meta.main) await main();
