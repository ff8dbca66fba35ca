/** Seeds the rows of the benchmarks by a few set-based statements. */

import postgres from "postgres";
import type { StackAddresses } from "../dev/stackAddresses.ts";

/** A workspace, and the access token of its founder. */
export interface Tenant {
  workspaceId: string;
  memberId: number;
  token: string;
}

const PASSWORD = "correct horse battery";

/** Signs a new user up, who founds a workspace, and signs the user in. */
export async function createTenant(sql: postgres.Sql, stack: StackAddresses): Promise<Tenant> {
  const email = `bench-${crypto.randomUUID()}@example.test`;
  await auth(stack, "/signup", { email, password: PASSWORD });
  const { access_token } = await auth(stack, "/token?grant_type=password", {
    email,
    password: PASSWORD,
  });
  const [member] = await sql<{ id: number; workspace_id: string }[]>`
    select id::int as id, workspace_id from public.sales where email = ${email}`;
  if (!member) throw new Error("The sign-up made no member");
  return { workspaceId: member.workspace_id, memberId: member.id, token: access_token };
}

async function auth(
  stack: StackAddresses,
  path: string,
  body: unknown,
): Promise<{ access_token: string }> {
  const response = await fetch(`${stack.apiUrl}/auth/v1${path}`, {
    method: "POST",
    headers: { apikey: stack.publishableKey, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/**
 * Fills a workspace with `contacts` contacts, a company for every 20 of them, ten tags, and a task for
 * every other contact. Contacts have names, two addresses, a phone number, tags and a background.
 */
export async function seedContacts(
  sql: postgres.Sql,
  { workspaceId, memberId }: Tenant,
  contacts: number,
): Promise<void> {
  await sql`
    insert into public.tags (workspace_id, name, color)
    select ${workspaceId}, 'Tag ' || number, '#e8cb7d' from generate_series(1, 10) as number`;
  await sql`
    insert into public.companies (workspace_id, sales_id, name, sector, website)
    select ${workspaceId}, ${memberId}, 'Company ' || number, 'Industry', 'https://' || number || '.test'
    from generate_series(1, ${contacts / 20}::int) as number`;
  await sql`
    with owned as (
      select
        (select array_agg(id order by id) from public.companies where workspace_id = ${workspaceId}) as companies,
        (select array_agg(id order by id) from public.tags where workspace_id = ${workspaceId}) as tags
    )
    insert into public.contacts (
      workspace_id, sales_id, company_id, first_name, last_name, gender, title, background, status,
      has_newsletter, first_seen, last_seen, tags, email_jsonb, phone_jsonb
    )
    select
      ${workspaceId}, ${memberId}, companies[1 + number % cardinality(companies)],
      'First ' || number, 'Last ' || md5(number::text), 'female', 'Buyer',
      'Met at the fair, asked for an offer; number ' || number, 'warm', number % 2 = 0,
      now() - number * interval '3 minutes', now() - number * interval '1 minute',
      array[tags[1 + number % 10], tags[1 + (number + 3) % 10]],
      jsonb_build_array(
        jsonb_build_object('email', 'person' || number || '@example.test', 'type', 'Work'),
        jsonb_build_object('email', 'person' || number || '@home.test', 'type', 'Home')
      ),
      jsonb_build_array(jsonb_build_object('number', '+49 30 ' || number, 'type', 'Work'))
    from owned, generate_series(1, ${contacts}::int) as number`;
  await sql`
    insert into public.tasks (workspace_id, sales_id, contact_id, type, text, due_date)
    select workspace_id, sales_id, id, 'Call', 'Ask again', now()
    from public.contacts where workspace_id = ${workspaceId} and id % 2 = 0`;
  await sql.unsafe(
    "vacuum analyze public.contacts, public.companies, public.tasks, public.tags, public.sales",
  );
}

/**
 * Creates a view of one workspace's contacts for the peer without row-level security: the definition
 * of `contacts_summary`, with the condition of row-level security as a constant.
 */
export async function createPeerView(
  sql: postgres.Sql,
  { workspaceId }: Tenant,
): Promise<void> {
  const [row] = await sql<{ definition: string }[]>`
    select pg_get_viewdef('private.contacts_summary'::regclass) as definition`;
  const definition = (row?.definition ?? "").replace(/;\s*$/, "");
  await sql.unsafe(`
    create schema bench;
    create view bench.contacts as ${definition} where co.workspace_id = '${workspaceId}';
    grant usage on schema bench to postgres;
    grant select on bench.contacts to postgres;
    alter schema bench owner to postgres;
    alter view bench.contacts owner to postgres;`);
}
