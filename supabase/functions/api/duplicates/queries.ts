/** SQL of duplicates: pages of pairs, the duplicates of one record, and dismissed pairs. */
import { arraySql, type Fragment, type Sql } from "../../_shared/database/database.ts";
import { decodeCursor, pageOf, withRequestProblems } from "../../_shared/list/list.ts";
import { JsonText } from "../../_shared/operation.ts";
import { invariant } from "../../_shared/problem.ts";
import { findGone, missingRecords } from "../../_shared/records/records.ts";
import type { DuplicateKind } from "./kinds.ts";
import { type Dismissal, type DuplicateFilters, LIKELY, type PageQuery } from "./schema.ts";

/** Candidates that one answer has at most. */
const MAXIMUM_CANDIDATES = 100;

const DISMISSED = `
  case when found.dismissed_at is not null then
    json_build_object('member_id', found.dismissed_by, 'dismissed_at', found.dismissed_at)
  end as dismissed`;

/**
 * Returns a page of the pairs of a workspace, best first. The first page finds all pairs. The second
 * one stores them, so that further pages only read their part.
 * @throws Problem `invalid_cursor`.
 */
export async function listPairs(
  sql: Sql,
  kind: DuplicateKind,
  query: PageQuery,
): Promise<JsonText> {
  const { limit, cursor, min_score, reason, dismissed } = query;
  const binding = JSON.stringify([kind.pairs, min_score, reason, dismissed]);
  if (cursor === undefined) {
    const found = sql`
      select *
      from private.${sql(kind.pairs)}() as found
      where ${matches(sql, query)}
      order by score desc, id, other_id
      limit ${limit + 1}`;
    return pageOf(await readPairs(sql, kind, found), limit, 0, binding);
  }
  const { key: [score = null, id = null, otherId = null], offset } = decodeCursor(
    cursor,
    binding,
    3,
  );
  const search = await storedSearch(sql, kind, query, binding);
  const found = sql`
    select *
    from private.stored_pairs(
      ${search}::uuid, ${score}::text::real, ${id}::text::bigint, ${otherId}::text::bigint,
      ${limit + 1}
    )`;
  const pairs = await withRequestProblems(sql, { cursor }, () => readPairs(sql, kind, found));
  return pageOf(pairs, limit, offset, binding);
}

/** Returns the id of the search whose pairs are stored. Stores them when there is none. */
async function storedSearch(
  sql: Sql,
  { of }: DuplicateKind,
  { min_score, reason, dismissed }: PageQuery,
  filters: string,
): Promise<string> {
  const reasons = reason ? arraySql(sql, reason, "text") : sql`null::text[]`;
  const [row] = await sql<{ id: string }[]>`
    select coalesce(
      private.find_duplicate_search(${filters}),
      private.store_duplicate_search(
        ${of.table}, ${filters}, ${String(min_score)}::text::real, ${reasons},
        ${String(dismissed)}::text::boolean
      )
    ) as id`;
  return invariant(row, "A search returned no id").id;
}

/** Reads the records of the found pairs. */
async function readPairs(
  sql: Sql,
  kind: DuplicateKind,
  found: Fragment,
): Promise<{ record: string; key: string[] }[]> {
  return await sql<{ record: string; key: string[] }[]>`
    select
      to_json(pair)::text as record,
      json_build_array(found.score::text, found.id::text, found.other_id::text) as key
    from (${found}) as found
    cross join lateral (
      select
        json_build_array(${shown(sql, kind, sql`found.id`)}, ${
    shown(sql, kind, sql`found.other_id`)
  }) as records,
        found.score, found.reasons, ${sql.unsafe(DISMISSED)}
    ) as pair
    order by found.score desc, found.id, found.other_id`;
}

/** Returns the duplicates of one record as JSON texts, best first, at most 100. */
export async function findCandidates(
  sql: Sql,
  kind: DuplicateKind,
  id: number,
  filters: DuplicateFilters = { min_score: LIKELY, dismissed: false },
): Promise<string[]> {
  const rows = await sql<{ candidate: string }[]>`
    select to_json(candidate)::text as candidate
    from private.${sql(kind.pairs)}(${id}) as found
    cross join lateral (
      select
        ${shown(sql, kind, sql`case when found.id = ${id} then found.other_id else found.id end`)}
          as record,
        found.score, found.reasons, ${sql.unsafe(DISMISSED)}
    ) as candidate
    where ${matches(sql, filters)}
    order by found.score desc, found.id, found.other_id
    limit ${MAXIMUM_CANDIDATES}`;
  return rows.map(({ candidate }) => candidate);
}

/** Locks what a new record shares with others, so that a similar one waits for this transaction. */
export async function lockDuplicates(sql: Sql, { of }: DuplicateKind, id: number): Promise<void> {
  await sql`select private.lock_duplicate_keys(${of.table}, ${id})`;
}

function matches(sql: Sql, { min_score, reason, dismissed }: DuplicateFilters): Fragment {
  const hasReason = reason ? sql`found.reasons && ${arraySql(sql, reason, "text")}` : sql`true`;
  return sql`
    found.score >= ${String(min_score)}::text::real
    and ${hasReason}
    and (found.dismissed_at is not null) = ${String(dismissed)}::text::boolean`;
}

/** The short record with this id as one JSON value. */
function shown(sql: Sql, { shown: { view, record } }: DuplicateKind, id: Fragment): Fragment {
  return sql`
    (
      select to_json(fields)
      from (select ${sql(Object.keys(record.shape))} from ${sql(view)} where id = ${id}) as fields
    )`;
}

/**
 * Remembers that two records are not the same. Repeating it returns the first dismissal.
 * @throws Problem `not_found`, `deleted`, `merged`.
 */
export async function dismiss(
  sql: Sql,
  kind: DuplicateKind,
  { ids, note = null }: { ids: number[]; note?: string | null },
): Promise<Dismissal> {
  const { of, dismissals: { table, column } } = kind;
  const pair = arraySql(sql, ids, "bigint");
  const locked = await sql<{ id: number }[]>`
    select id::float8 as id from ${sql(of.table)}
    where id = any (${pair})
    order by id
    for no key update`;
  const missing = ids.filter((id) => !locked.some((record) => record.id === id));
  const [first] = missing;
  if (first !== undefined) {
    throw await findGone(sql, of, first) ?? missingRecords(of.name, missing);
  }
  const returned = sql`
    id::float8 as id, to_json(${sql(column)}) as ids, note, dismissed_by::float8 as dismissed_by,
    to_json(created_at) as created_at`;
  const [earlier] = await sql<Dismissal[]>`
    select ${returned} from ${sql(table)} where ${sql(column)} @> ${pair} order by id limit 1`;
  if (earlier) return earlier;
  const [row] = await sql<Dismissal[]>`
    insert into ${sql(table)} (${sql(column)}, note) values (${pair}, ${note})
    returning ${returned}`;
  return invariant(row, "A dismissal returned no row");
}

/** Forgets that two records were dismissed. Does nothing when they were not. */
export async function undismiss(
  sql: Sql,
  { dismissals: { table, column } }: DuplicateKind,
  ids: number[],
): Promise<void> {
  await sql`delete from ${sql(table)} where ${sql(column)} @> ${arraySql(sql, ids, "bigint")}`;
}
