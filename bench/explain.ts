/** The plans of the lists' statements, executed as a member under row-level security. */

import postgres from "postgres";
import { activityList } from "../supabase/functions/api/activity/queries.ts";
import { companies } from "../supabase/functions/api/companies/queries.ts";
import { contactNotes } from "../supabase/functions/api/contact_notes/queries.ts";
import { contacts } from "../supabase/functions/api/contacts/queries.ts";
import { dealNotes } from "../supabase/functions/api/deal_notes/queries.ts";
import { deals } from "../supabase/functions/api/deals/queries.ts";
import { tags } from "../supabase/functions/api/tags/queries.ts";
import { tasks } from "../supabase/functions/api/tasks/queries.ts";
import { usersList } from "../supabase/functions/api/users/queries.ts";
import { COMMON_WORD, RARE_WORD } from "./scaleRows.ts";
import type { Tenant } from "./seed.ts";

/** The plans of one list with certain parameters. */
export interface ExplainedList {
  name: string;
  parameters: Record<string, string>;
  plans: string[];
}

const LISTS = {
  contacts: contacts.list,
  companies: companies.list,
  deals: deals.list,
  tasks: tasks.list,
  contact_notes: contactNotes.list,
  deal_notes: dealNotes.list,
  tags: tags.list,
  activity: activityList,
  users: usersList,
};
type ListName = keyof typeof LISTS;

/** Tables that grow with a workspace's records. */
const LARGE_TABLES = [
  "contacts",
  "companies",
  "deals",
  "tasks",
  "contact_notes",
  "deal_notes",
  "audit_log",
];

/** Values for the filters of the lists. */
export interface Examples {
  contactId: number;
  companyId: number;
  dealId: number;
  tagId: number;
  email: string;
}

function cases(member: number, ids: Examples): [ListName, Record<string, string>][] {
  return [
    ["contacts", {}],
    ["contacts", { sort: "last_name" }],
    ["contacts", { sort: "first_name" }],
    ["contacts", { status: "hot" }],
    ["contacts", { company_id: String(ids.companyId) }],
    ["contacts", { sales_id: String(member) }],
    ["contacts", { "tags@cs": String(ids.tagId) }],
    ["contacts", { email_jsonb: ids.email }],
    ["contacts", { q: RARE_WORD }],
    ["contacts", { q: COMMON_WORD }],
    ["companies", {}],
    ["companies", { sort: "name" }],
    ["companies", { sector: "industry" }],
    ["companies", { q: "bannan" }],
    ["deals", {}],
    ["deals", { stage: "won" }],
    ["deals", { "archived_at@is": "null" }],
    ["deals", { company_id: String(ids.companyId) }],
    ["deals", { sort: "-amount" }],
    ["tasks", {}],
    ["tasks", { contact_id: String(ids.contactId) }],
    ["tasks", { "done_date@is": "null" }],
    ["tasks", { sales_id: String(member), "done_date@is": "null" }],
    ["contact_notes", {}],
    ["contact_notes", { contact_id: String(ids.contactId) }],
    ["deal_notes", {}],
    ["deal_notes", { deal_id: String(ids.dealId) }],
    ["tags", {}],
    ["activity", {}],
    ["activity", { member_id: String(member) }],
    ["users", {}],
  ];
}

/** Explains the default query of every list, and its usual filters. */
export async function explainLists(
  superuserUrl: string,
  tenant: Tenant,
  examples: Examples,
): Promise<ExplainedList[]> {
  const statements: Statement[] = [];
  const sql = postgres(superuserUrl, {
    max: 1,
    onnotice: () => {},
    debug: (_connection, text, parameters) => void statements.push({ text, parameters }),
  });
  try {
    const [user] = await sql<{ id: string }[]>`
      select user_id as id from public.sales where id = ${tenant.memberId}`;
    const explained: ExplainedList[] = [];
    for (const [name, parameters] of cases(tenant.memberId, examples)) {
      console.error(`  ${name} ${JSON.stringify(parameters)}`);
      const plans = await explainList(sql, user?.id ?? "", LISTS[name], parameters, statements);
      explained.push({ name, parameters, plans });
    }
    return explained;
  } finally {
    await sql.end();
  }
}

interface Statement {
  text: string;
  parameters: unknown[];
}

/** Runs the list and records its statements. Then runs each statement again with EXPLAIN. */
async function explainList(
  sql: postgres.Sql,
  userId: string,
  list: (typeof LISTS)[ListName],
  parameters: Record<string, string>,
  statements: Statement[],
): Promise<string[]> {
  const reserved = await sql.reserve();
  try {
    await reserved`begin read only`;
    await reserved`select
      set_config('request.jwt.claims', ${
      JSON.stringify({ sub: userId, role: "authenticated" })
    }, true),
      set_config('role', 'authenticated', true)`;
    statements.length = 0;
    await list.answer(reserved, list.query.parse(parameters));
    const sent = statements.slice();
    const plans: string[] = [];
    for (const { text, parameters } of sent) {
      const rows = await reserved.unsafe(
        `explain (analyze, costs off, timing off, summary off, buffers off) ${text}`,
        // The driver's recorded parameters are text, which it can send again.
        parameters as string[],
      );
      plans.push(rows.map((row) => String(row["QUERY PLAN"])).join("\n"));
    }
    return plans;
  } finally {
    await reserved`rollback`;
    reserved.release();
  }
}

/** The large tables that a plan reads by a sequential scan. */
export function sequentialScans(plan: string): string[] {
  return [...plan.matchAll(/Seq Scan on (?:\w+\.)?(\w+)/g)]
    .map(([, table]) => table ?? "")
    .filter((table) => LARGE_TABLES.includes(table));
}

/** Whether a step of a plan removes more than 10,000 rows by a filter, so that no index helps. */
export function isWasteful(plan: string): boolean {
  return [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)].some(([, rows]) =>
    Number(rows) > 10_000
  );
}
