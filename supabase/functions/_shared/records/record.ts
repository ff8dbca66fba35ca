/**
 * One record in SQL: read, inserted, changed, deleted and restored by its id, as the caller. Values
 * travel as one JSON parameter that Postgres spreads over the columns by their types.
 */
import type { Fragment, Sql } from "../database/database.ts";
import type { Listing } from "../list/list.ts";
import { found, invariant, Problem } from "../problem.ts";

/** Where records of one kind are stored, and the list that they are read through. */
export interface Stored<Row> {
  table: string;
  /** What one record is called in messages: `contact`. */
  name: string;
  list: Listing<Row>;
}

interface Versioned {
  updated_at: string;
}

interface Trashed {
  merged_into: number | null;
  deleted_at: string;
}

/** The record; throws 410 `merged` or `deleted` when it is in the trash, else 404. */
export async function getRecord<Row>(
  sql: Sql,
  stored: Stored<Row>,
  id: number,
  include: string[] = [],
): Promise<Row> {
  const [record, trashed] = await Promise.all([
    stored.list.find(sql, id, include),
    findTrashed(sql, stored, id),
  ]);
  if (record === undefined && trashed) throw gone(stored.name, trashed);
  return found(record, stored.name);
}

/** Inserts the values and returns the new record. */
export async function createRecord<Row>(
  sql: Sql,
  stored: Stored<Row>,
  values: object,
): Promise<Row> {
  const { table } = stored;
  const columns = Object.keys(values);
  const [row] = columns.length === 0
    ? await sql<{ id: number }[]>`
        insert into ${sql(table)} default values returning id::float8 as id`
    : await sql<{ id: number }[]>`
        insert into ${sql(table)} (${sql(columns)})
        select ${sql(columns)}
        from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(values)}::text::jsonb)
        returning id::float8 as id`;
  return await readBack(sql, stored, invariant(row, `${table} returned no id`).id);
}

/**
 * Changes the given columns alone, and returns the record.
 * @throws Problem 404, 410; 412 `precondition_failed`; 403 `forbidden`.
 */
export async function updateRecord<Row extends Versioned>(
  sql: Sql,
  stored: Stored<Row>,
  id: number,
  values: object,
  ifMatch?: string[],
): Promise<Row> {
  await lockRecord(sql, stored, id);
  if (ifMatch) requireMatch(await readBack(sql, stored, id), ifMatch);
  if (Object.keys(values).length > 0) {
    // The row is locked, so only the caller's own rights can have gone in the meantime.
    const { count } = await setColumns(sql, stored.table, id, values);
    if (count === 0) throw notTheOwner(stored.name);
  }
  return await readBack(sql, stored, id);
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

/**
 * Moves the record to the trash; repeating that succeeds.
 * @throws Problem 404; 412 `precondition_failed`; 403 `forbidden`.
 */
export async function deleteRecord<Row extends Versioned>(
  sql: Sql,
  stored: Stored<Row>,
  id: number,
  ifMatch?: string[],
): Promise<void> {
  const { table, name, list } = stored;
  if (ifMatch) {
    await sql`select from ${sql(table)} where id = ${id} for update`;
    const current = await list.find(sql, id);
    if (current) requireMatch(current, ifMatch);
  }
  const deleted = await sql`delete from ${sql(table)} where id = ${id} returning id`;
  if (deleted.length > 0) return;
  if (await list.find(sql, id)) throw notTheOwner(name);
  found(await findTrashed(sql, stored, id), name);
}

/** Takes the record out of the trash with all that its delete took along; repeating that succeeds. */
export async function restoreRecord<Row>(sql: Sql, stored: Stored<Row>, id: number): Promise<Row> {
  await sql`select private.restore(${stored.table}, ${id})`;
  return found(await stored.list.find(sql, id), stored.name);
}

/** A record that this transaction has written or locked. */
export async function readBack<Row>(sql: Sql, stored: Stored<Row>, id: number): Promise<Row> {
  return invariant(await stored.list.find(sql, id), `${stored.table} ${id} cannot be read back`);
}

/**
 * Refuses a change to a record that has changed since the caller read it.
 * @throws Problem `precondition_failed` with the current record and its tag.
 */
export function requireMatch(current: Versioned, ifMatch: string[] | undefined): void {
  if (ifMatch === undefined || ifMatch.includes(current.updated_at)) return;
  throw new Problem(
    "precondition_failed",
    "The record has changed since you read it. Apply your change to the current one.",
    { members: { current }, headers: { ETag: `"${current.updated_at}"` } },
  );
}

/** 403 for a record that belongs to another member. */
export function notTheOwner(name: string): Problem {
  return new Problem(
    "forbidden",
    `Only the ${name}'s owner, a manager or an administrator may do this.`,
  );
}

/** 404 naming the records that a request is about and that do not exist. */
export function missingRecords(name: string, ids: number[]): Problem {
  const detail = `There is no ${name} ${ids.join(", ")}, or it is not yours to see.`;
  return new Problem("not_found", detail, { members: { missing_ids: ids } });
}

/** 410 `merged` or `deleted` for a record in the trash; undefined when it is not there. */
export async function findGone<Row>(
  sql: Sql,
  stored: Stored<Row>,
  id: number,
): Promise<Problem | undefined> {
  const trashed = await findTrashed(sql, stored, id);
  return trashed && gone(stored.name, trashed);
}

async function lockRecord<Row>(sql: Sql, stored: Stored<Row>, id: number): Promise<void> {
  const locked = await sql`select from ${sql(stored.table)} where id = ${id} for update`;
  if (locked.length > 0) return;
  const problem = await findGone(sql, stored, id);
  if (problem) throw problem;
  found(undefined, stored.name);
}

async function findTrashed<Row>(
  sql: Sql,
  { table }: Stored<Row>,
  id: number,
): Promise<Trashed | undefined> {
  const [row] = await sql<{ trashed: Trashed | null }[]>`
    select private.trashed(${table}, ${id}) as trashed`;
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
