/** Measures an insert of many contacts by one statement, with and without triggers. */

import postgres from "postgres";
import type { Tenant } from "./seed.ts";

/** Seconds for the same rows, inserted by a member with all triggers and without any. */
export interface InsertFigures {
  rows: number;
  withTriggers: number;
  withoutTriggers: number;
}

const ROWS = 50_000;
const ROUNDS = 3;

/** Inserts contacts in transactions that are rolled back. Returns the fastest of the rounds. */
export async function measureInserts(
  superuserUrl: string,
  tenant: Tenant,
): Promise<InsertFigures> {
  const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} });
  try {
    const seconds: Record<"with" | "without", number[]> = { with: [], without: [] };
    for (let round = 0; round < ROUNDS; round++) {
      seconds.without.push(await insert(sql, tenant, "disable trigger user"));
      seconds.with.push(await insert(sql, tenant, "enable trigger user"));
    }
    return {
      rows: ROWS,
      withTriggers: Math.min(...seconds.with),
      withoutTriggers: Math.min(...seconds.without),
    };
  } finally {
    await sql.end();
  }
}

async function insert(sql: postgres.Sql, tenant: Tenant, triggers: string): Promise<number> {
  const transaction = await sql.reserve();
  try {
    await transaction`begin`;
    await transaction.unsafe(`alter table public.contacts ${triggers}`);
    await transaction`
      select
        set_config('request.jwt.claims', json_build_object(
          'sub', (select user_id from public.sales where id = ${tenant.memberId}),
          'role', 'authenticated'
        )::text, true),
        set_config('role', 'authenticated', true)`;
    const start = performance.now();
    await insertContacts(transaction, tenant, triggers.startsWith("enable"));
    return (performance.now() - start) / 1_000;
  } finally {
    await transaction`rollback`;
    transaction.release();
  }
}

/** With triggers, workspace and owner are left to the triggers. */
async function insertContacts(
  sql: postgres.ReservedSql,
  { workspaceId, memberId }: Tenant,
  withTriggers: boolean,
): Promise<void> {
  await sql`
    insert into public.contacts (
      workspace_id, sales_id, company_id, first_name, last_name, title, background, status, first_seen,
      last_seen, tags, email_jsonb, phone_jsonb
    )
    select
      ${withTriggers ? null : workspaceId}::uuid, ${withTriggers ? null : memberId}::bigint,
      company_ids[1 + number % cardinality(company_ids)],
      initcap(substr(md5(number::text), 1, 7)), initcap(substr(md5((number * 7)::text), 1, 9)), 'Buyer',
      'Met at the fair and asked for ' || substr(md5((number % 5000)::text), 1, 6), 'warm', now(), now(),
      tag_ids[1 + number % 10 : 1 + number % 10],
      jsonb_build_array(jsonb_build_object(
        'email', substr(md5(number::text), 1, 7) || '.' || number || '@example.test', 'type', 'Work'
      )),
      jsonb_build_array(jsonb_build_object('number', '+49 30 ' || number, 'type', 'Work'))
    from generate_series(1, ${ROWS}::integer) as number
    cross join (
      select
        array(select id from public.companies where workspace_id = ${workspaceId} limit 1000) as company_ids,
        array(select id from public.tags where workspace_id = ${workspaceId} order by id limit 10) as tag_ids
    ) as referenced`;
}
