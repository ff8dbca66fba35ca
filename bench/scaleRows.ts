/** Inserts the rows of a workspace of any size, with search vectors, by one statement per table. */

import type postgres from "postgres";

/** In five of a hundred thousand contacts, at least twenty of a workspace. */
export const RARE_WORD = "quillfeather";
/** In one of a hundred contacts. */
export const OCCASIONAL_WORD = "renewal";
/** In every other contact. */
export const COMMON_WORD = "fair";

/** Size and ids of one workspace. Ids are known before, so that tables can be filled in parallel. */
export interface Extent {
  workspaceId: string;
  memberId: number;
  contacts: number;
  companies: number;
  /** The first id of each kind. */
  firstContact: number;
  firstCompany: number;
  firstDeal: number;
  firstTag: number;
}

/** SQL functions that make words of numbers, by syllables: 409,600 different words. */
export const SPELLING = `
  create schema bench;
  create function bench.syllable(n bigint) returns text language sql immutable parallel safe
  return substr('bdfgklmnprstvwzh', (1 + n % 16)::integer, 1)
    || substr('aeiou', (1 + n / 16 % 5)::integer, 1)
    || substr('nrlsmtkd', (1 + n / 80 % 8)::integer, 1);
  create function bench.word(n bigint) returns text language sql immutable parallel safe
  return bench.syllable(n % 640) || bench.syllable(n / 640 % 640);
  create function bench.company(n bigint) returns text language sql immutable parallel safe
  return initcap(bench.word(n * 104729)) || ' '
    || (array['Works', 'Group', 'Trading', 'Systems', 'Logistics'])[1 + n % 5];`;

/** Inserts eleven tags. */
export async function seedTags(
  sql: postgres.Sql,
  { workspaceId, firstTag }: Extent,
): Promise<void> {
  await sql`
    insert into public.tags (id, workspace_id, name, color)
    select ${firstTag} + number, ${workspaceId}, 'Tag ' || number, '#e8cb7d'
    from generate_series(0, 10) as number`;
}

/**
 * Inserts the contacts from number `first` to `last`. Each of ten tags is on a fifth of them. The first
 * tag is on the contacts with the rare word.
 */
export async function seedContacts(
  sql: postgres.Sql,
  extent: Extent,
  first: number,
  last: number,
): Promise<void> {
  const { workspaceId, memberId, companies } = extent;
  await sql`
    insert into public.contacts (
      id, workspace_id, sales_id, company_id, first_name, last_name, gender, title, background, status,
      has_newsletter, first_seen, last_seen, created_at, updated_at, tags, email_jsonb, phone_jsonb, search
    )
    select
      ${extent.firstContact} + number, ${workspaceId}, ${memberId},
      ${extent.firstCompany} + number % ${companies}, first_name, last_name, 'female', 'Buyer',
      background, (array['cold', 'warm', 'hot', 'in-contract'])[1 + number % 4], number % 2 = 0,
      now() - (number + 500) * interval '1 minute', now() - number * interval '1 minute',
      now() - (number + 500) * interval '1 minute', now() - number * interval '1 minute',
      case when rare then array[${extent.firstTag}::bigint] else '{}' end || array[
        ${extent.firstTag} + 1 + number % 10, ${extent.firstTag} + 1 + (number + 3) % 10
      ],
      jsonb_build_array(
        jsonb_build_object('email', local || '@' || host || '.test', 'type', 'Work'),
        jsonb_build_object('email', local || '@home.test', 'type', 'Home')
      ),
      jsonb_build_array(jsonb_build_object('number', '+49 30 ' || number, 'type', 'Work')),
      setweight(to_tsvector('pg_catalog.simple', first_name || ' ' || last_name), 'A')
        || setweight(to_tsvector('pg_catalog.simple', concat_ws(' ',
          first_name, last_name, number, host, 'test', first_name, last_name, number, 'home test')), 'B')
        || setweight(to_tsvector('pg_catalog.simple', concat_ws(' ',
          'Buyer', '49 30', number, '4930' || number, company)), 'C')
        || setweight(to_tsvector('pg_catalog.simple', background), 'D')
    ${contactTexts(sql, extent, first, last)}`;
}

/** A FROM clause with the numbers, and names, addresses and texts made from them. */
function contactTexts(
  sql: postgres.Sql,
  { contacts, companies }: Extent,
  first: number,
  last: number,
) {
  const rareEvery = Math.max(1, Math.floor(contacts / Math.max(20, contacts / 20_000)));
  return sql`
    from (
      select
        number::bigint as number,
        number % ${rareEvery}::integer = 0 as rare
      from generate_series(${first}::integer, ${last}::integer) as number
    ) as numbers
    cross join lateral (
      select
        initcap(bench.syllable(number * 7919)) || 'a' as first_name,
        initcap(bench.word(number * 15485863)) as last_name,
        bench.word(number % ${companies} * 104729) as host,
        bench.company(number % ${companies}) as company
      offset 0
    ) as names
    cross join lateral (
      select
        lower(first_name || '.' || last_name) || '.' || number as local,
        concat_ws(' ',
          case number % 2 when 0 then ${"Met at the " + COMMON_WORD} else 'Called in' end,
          'and asked for', bench.word(number * 31 % 5000), bench.word(number * 37 % 5000),
          bench.word(number * 41 % 5000),
          case when number % 100 = 7 then ${OCCASIONAL_WORD}::text end,
          case when rare then ${RARE_WORD}::text end
        ) as background
      offset 0
    ) as texts`;
}

/** Fills all other tables. */
export async function seedOtherTables(sql: postgres.Sql, extent: Extent): Promise<void> {
  await seedCompanies(sql, extent);
  await seedDeals(sql, extent);
  await seedTasksAndNotes(sql, extent);
  await seedAuditLog(sql, extent);
}

async function seedCompanies(sql: postgres.Sql, extent: Extent): Promise<void> {
  const { workspaceId, memberId, companies } = extent;
  await sql`
    insert into public.companies (id, workspace_id, sales_id, name, sector, website, created_at, search)
    select
      ${extent.firstCompany} + number, ${workspaceId}, ${memberId}, bench.company(number), 'industry',
      'https://' || bench.word(number * 104729) || '.test', now() - number * interval '20 minutes',
      private.search_vector(
        bench.company(number), 'https://' || bench.word(number * 104729) || '.test', 'industry', ''
      )
    from generate_series(0, ${companies - 1}::bigint) as number`;
}

/** Inserts a deal for every ten contacts; half of them are archived. */
async function seedDeals(sql: postgres.Sql, extent: Extent): Promise<void> {
  const { workspaceId, memberId, contacts, companies } = extent;
  await sql`
    insert into public.deals (
      id, workspace_id, sales_id, company_id, contact_ids, name, category, stage, description, amount,
      created_at, updated_at, archived_at, expected_closing_date, index, search
    )
    select
      ${extent.firstDeal} + number, ${workspaceId}, ${memberId}, ${extent.firstCompany} + number % ${companies},
      array[${extent.firstContact} + number * 10], name, 'other',
      (array['opportunity', 'proposal-sent', 'in-negociation', 'won', 'lost', 'delayed'])[1 + number % 6],
      'Follows the last order', number * 17 % 100000,
      now() - number * interval '10 minutes', now() - number * interval '10 minutes',
      case when number / 6 % 2 = 0 then now() end, current_date + (number % 90)::integer,
      number / 12 % 30000,
      private.search_vector(name, null, 'other', 'Follows the last order')
    from generate_series(0, ${Math.ceil(contacts / 10) - 1}::bigint) as number
    cross join lateral (
      select initcap(bench.word(number * 7)) || ' for ' || bench.company(number % ${companies}) as name
      offset 0
    ) as names`;
  await sql`
    insert into private.board_positions (deal_id, workspace_id, stage, index, amount)
    select id, workspace_id, stage, index, amount
    from public.deals
    where workspace_id = ${workspaceId} and archived_at is null`;
}

/** Inserts a task for every other contact, half of them done, a note for every tenth contact, and a
 * note for every other deal. */
async function seedTasksAndNotes(sql: postgres.Sql, extent: Extent): Promise<void> {
  const { workspaceId, memberId, contacts } = extent;
  await sql`
    insert into public.tasks (workspace_id, sales_id, contact_id, type, text, due_date, done_date)
    select
      ${workspaceId}, ${memberId}, ${extent.firstContact} + number * 2, 'call', 'Ask again',
      now() + (number - ${
    contacts / 4
  }) * interval '1 minute', case number % 2 when 0 then now() end
    from generate_series(0, ${contacts / 2 - 1}::bigint) as number`;
  await sql`
    insert into public.contact_notes (workspace_id, sales_id, contact_id, text, date, status)
    select
      ${workspaceId}, ${memberId}, ${extent.firstContact} + number * 10,
      concat_ws(' ', 'Wants an offer for', bench.word(number * 31 % 5000), bench.word(number * 37 % 5000)),
      now() - number * interval '10 minutes', 'warm'
    from generate_series(0, ${contacts / 10 - 1}::bigint) as number`;
  await sql`
    insert into public.deal_notes (workspace_id, sales_id, deal_id, text, date)
    select
      ${workspaceId}, ${memberId}, ${extent.firstDeal} + number * 2,
      concat_ws(' ', 'Discussed', bench.word(number * 31 % 5000), bench.word(number * 37 % 5000)),
      now() - number * interval '20 minutes'
    from generate_series(0, ${contacts / 20 - 1}::bigint) as number`;
}

/** Inserts one change of every tenth contact. */
async function seedAuditLog(sql: postgres.Sql, extent: Extent): Promise<void> {
  const { workspaceId, memberId, contacts } = extent;
  await sql`
    insert into public.audit_log (
      workspace_id, table_name, record_id, action, before, after, member_id, created_at
    )
    select
      ${workspaceId}, 'contacts', ${extent.firstContact} + number * 10, 'updated',
      '{"status": "cold"}', '{"status": "warm"}', ${memberId}, now() - number * interval '10 minutes'
    from generate_series(${contacts / 10 - 1}::bigint, 0, -1) as number`;
}
