/**
 * What the resources' operations have in common in SQL: one record by id, written and read back as the
 * caller. Values travel as one JSON parameter that Postgres spreads over the columns by their types.
 */
import type { Fragment, Sql } from "../database/database.ts";
import { requireMatch } from "../http/entityTag.ts";
import type { Listing } from "../list/list.ts";
import { found, Problem } from "../problem.ts";

/** A table that operations write to, and the list that they read it through. */
export interface Resource<Record> {
  table: string;
  /** What one record is called in messages: `contact`. */
  name: string;
  listing: Listing<Record>;
}

interface Trashed {
  merged_into: number | null;
  deleted_at: string;
}

/** The record; throws 410 `merged` or `deleted` when it is in the trash, else 404. */
export async function getRecord<Record>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
  include: string[] = [],
): Promise<Record> {
  const [record, trashed] = await Promise.all([
    resource.listing.find(sql, id, include),
    findTrashed(sql, resource, id),
  ]);
  if (record === undefined && trashed) throw gone(resource.name, trashed);
  return found(record, resource.name);
}

/** Inserts the values and returns the new record. */
export async function createRecord<Record>(
  sql: Sql,
  resource: Resource<Record>,
  values: object,
): Promise<Record> {
  const { table } = resource;
  const columns = Object.keys(values);
  const [row] = columns.length === 0
    ? await sql<{ id: number }[]>`
        insert into ${sql(table)} default values returning id::float8 as id`
    : await sql<{ id: number }[]>`
        insert into ${sql(table)} (${sql(columns)})
        select ${sql(columns)}
        from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(values)}::text::jsonb)
        returning id::float8 as id`;
  return found(await resource.listing.find(sql, found(row, resource.name).id), resource.name);
}

/** Changes the given columns alone, and returns the record. */
export async function updateRecord<Record extends { updated_at: string }>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
  values: object,
  ifMatch?: string[],
): Promise<Record> {
  await lockRecord(sql, resource, id);
  if (ifMatch) requireMatch(found(await resource.listing.find(sql, id), resource.name), ifMatch);
  if (Object.keys(values).length > 0) {
    // The row is locked, so only the caller's own rights can have gone in the meantime.
    const { count } = await setColumns(sql, resource.table, id, values);
    if (count === 0) throw notTheOwner(resource.name);
  }
  return found(await resource.listing.find(sql, id), resource.name);
}

/** The statement that sets columns of one row; it runs when it is awaited or executed. */
export function setColumns(sql: Sql, table: string, id: number, values: object): Fragment {
  const columns = Object.keys(values);
  return sql`
    update ${sql(table)}
    set (${sql(columns)}) = (
      select ${sql(columns)}
      from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(values)}::text::jsonb)
    )
    where id = ${id}`;
}

/** Moves the record to the trash; repeating that succeeds. */
export async function deleteRecord<Record extends { updated_at: string }>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
  ifMatch?: string[],
): Promise<void> {
  if (ifMatch) {
    await sql`select from ${sql(resource.table)} where id = ${id} for update`;
    const current = await resource.listing.find(sql, id);
    if (current) requireMatch(current, ifMatch);
  }
  const deleted = await sql`delete from ${sql(resource.table)} where id = ${id} returning id`;
  if (deleted.length > 0) return;
  if (await resource.listing.find(sql, id)) throw notTheOwner(resource.name);
  found(await findTrashed(sql, resource, id), resource.name);
}

/** Takes the record out of the trash with all that its delete took along; repeating that succeeds. */
export async function restoreRecord<Record>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
): Promise<Record> {
  await sql`select private.restore(${resource.table}, ${id})`;
  return found(await resource.listing.find(sql, id), resource.name);
}

/** 403 for a record that belongs to somebody else. */
export function notTheOwner(name: string): Problem {
  return new Problem(
    "forbidden",
    `Only the ${name}'s owner, a manager or an administrator may do this.`,
  );
}

/** 404 naming the records that a request is about and that are not there. */
export function missingRecords(name: string, ids: number[]): Problem {
  const detail = `There is no ${name} ${ids.join(", ")}, or it is not yours to see.`;
  return new Problem("not_found", detail, { members: { missing_ids: ids } });
}

/** 422 for a merge whose winner is among its losers. */
export function selfMerge(): Problem {
  const detail = "Leave the winner's own id out of loser_ids.";
  return new Problem("self_merge", detail, { errors: { loser_ids: detail } });
}

async function lockRecord<Record>(sql: Sql, resource: Resource<Record>, id: number): Promise<void> {
  const locked = await sql`select from ${sql(resource.table)} where id = ${id} for update`;
  if (locked.length > 0) return;
  const problem = await findGone(sql, resource, id);
  if (problem) throw problem;
  found(undefined, resource.name);
}

/** 410 `merged` or `deleted` for a record in the trash; undefined when it is not there. */
export async function findGone<Record>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
): Promise<Problem | undefined> {
  const trashed = await findTrashed(sql, resource, id);
  return trashed && gone(resource.name, trashed);
}

async function findTrashed<Record>(
  sql: Sql,
  resource: Resource<Record>,
  id: number,
): Promise<Trashed | undefined> {
  const [row] = await sql<{ trashed: Trashed | null }[]>`
    select private.trashed(${resource.table}, ${id}) as trashed`;
  return row?.trashed ?? undefined;
}

function gone(name: string, { merged_into, deleted_at }: Trashed): Problem {
  return merged_into === null
    ? new Problem("deleted", `The ${name} is in the trash. Restore it to use it again.`, {
      members: { deleted_at },
    })
    : new Problem("merged", `The ${name} was merged. Use ${name} ${merged_into} instead.`, {
      members: { merged_into, deleted_at },
    });
}
