/**
 * SQL of one record: read, create, update, delete and restore, as the caller. Values are passed as
 * one JSON parameter, which Postgres converts to the types of the columns.
 */
import { type Fragment, pipelined, type Sql } from "../database/database.ts";
import type { Listing } from "../list/list.ts";
import { found, invariant, Problem } from "../problem.ts";
import { Reply } from "../reply.ts";

/** Records of one kind: their table, and the list that reads them. */
export interface StoredRecords<Row> {
  table: string;
  /** Name of one record in messages: `contact`. */
  name: string;
  list: Listing<Row>;
}

interface Versioned {
  updated_at: string;
}

interface TrashEntry {
  merged_into: number | null;
  deleted_at: string;
}

/**
 * Returns a record, with the related records of `include`.
 * @throws Problem `not_found`; `deleted` or `merged` when it is in the trash.
 */
export async function getRecord<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
  include: string[] = [],
): Promise<Row> {
  const [record, trashed] = await pipelined([
    stored.list.find(sql, id, include),
    findTrashed(sql, stored, id),
  ]);
  if (record === undefined && trashed) throw gone(stored.name, trashed);
  return found(record, stored.name);
}

/**
 * Returns a record as `getRecord`. Instead of a merged record it returns the record that it was
 * merged into, with its address in `Content-Location` (RFC 9110, section 8.7).
 * @throws Problem `not_found`; `deleted` when it is in the trash.
 */
export async function followRecord<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
  include?: string[],
): Promise<Row | Reply> {
  const merged_into = (await findTrashed(sql, stored, id))?.merged_into ?? null;
  if (merged_into === null) return await getRecord(sql, stored, id, include);
  const record = await getRecord(sql, stored, merged_into, include);
  return new Reply(record, {
    headers: { "Content-Location": `../${stored.table}/${merged_into}` },
  });
}

/** Inserts a record with these values, and returns it. */
export async function createRecord<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
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
 * Changes the given columns, and returns the record. Without values it locks the record and returns
 * it.
 * @throws Problem `not_found`, `deleted`, `merged`, `precondition_failed` or `forbidden`.
 */
export async function updateRecord<Row extends Versioned>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
  values: object,
  ifMatch?: string[],
): Promise<Row> {
  await lockRecord(sql, stored, id);
  if (ifMatch) requireMatch(await readBack(sql, stored, id), ifMatch);
  if (Object.keys(values).length > 0) {
    // The row is locked, so it exists: row-level security refuses the change.
    const { count } = await setColumns(sql, stored.table, id, values);
    if (count === 0) throw notTheOwner(stored.name);
  }
  return await readBack(sql, stored, id);
}

/** Returns the statement that sets columns of one row. It runs when it is awaited or executed. */
export function setColumns(sql: Sql, table: string, id: number, values: object): Fragment {
  return sql`update ${sql(table)} set ${columnAssignments(sql, table, values)} where id = ${id}`;
}

/** Returns the assignments of a `set` clause: each column of `values`, in the type of its table. */
export function columnAssignments(sql: Sql, table: string, values: object): Fragment {
  const columns = Object.keys(values);
  return sql`
    (${sql(columns)}) = (
      select ${sql(columns)}
      from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(values)}::text::jsonb)
    )`;
}

/**
 * Moves a record to the trash. Does nothing when it is there already.
 * @throws Problem `not_found`, `precondition_failed` or `forbidden`.
 */
export async function deleteRecord<Row extends Versioned>(
  sql: Sql,
  stored: StoredRecords<Row>,
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

/**
 * Restores a record from the trash, with all records that were deleted with it, and returns it.
 * Returns the record unchanged when it is not in the trash.
 * @param parentId the record that it belongs to from now on. Default: the former one.
 * @throws Problem `not_found`, `merged`, `parent_deleted`, `parent_purged`, `unknown_reference` or
 * `restore_not_allowed`.
 */
export async function restoreRecord<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
  parentId?: number,
): Promise<Row> {
  await sql`select private.restore(${stored.table}, ${id}, ${parentId ?? null}::bigint)`;
  return found(await stored.list.find(sql, id), stored.name);
}

/**
 * Returns a record that this transaction has written or locked.
 * @throws Error when it is absent.
 */
export async function readBack<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
): Promise<Row> {
  return invariant(await stored.list.find(sql, id), `${stored.table} ${id} cannot be read back`);
}

/**
 * Checks `If-Match` against the current record. Does nothing without `ifMatch`.
 * @throws Problem `precondition_failed` with the current record and its entity tag.
 */
export function requireMatch(current: Versioned, ifMatch: string[] | undefined): void {
  if (ifMatch === undefined || ifMatch.includes(current.updated_at)) return;
  throw new Problem(
    "precondition_failed",
    "The record has changed since you read it. Apply your change to the current record.",
    { members: { current }, headers: { ETag: `"${current.updated_at}"` } },
  );
}

/** Returns the problem for a record that the caller may see but not change. */
export function notTheOwner(name: string): Problem {
  return new Problem(
    "forbidden",
    `Only the ${name}'s owner, a manager or an administrator may do this.`,
  );
}

/** Returns the problem for records that do not exist, or that the caller may not see. */
export function missingRecords(name: string, ids: number[]): Problem {
  const detail = `There is no ${name} ${ids.join(", ")}, or you may not see it.`;
  return new Problem("not_found", detail, { members: { missing_ids: ids } });
}

/**
 * Returns the problem `merged` or `deleted` for a record in the trash, or undefined for any other.
 */
export async function findGone<Row>(
  sql: Sql,
  stored: StoredRecords<Row>,
  id: number,
): Promise<Problem | undefined> {
  const trashed = await findTrashed(sql, stored, id);
  return trashed && gone(stored.name, trashed);
}

async function lockRecord<Row>(sql: Sql, stored: StoredRecords<Row>, id: number): Promise<void> {
  const locked = await sql`select from ${sql(stored.table)} where id = ${id} for update`;
  if (locked.length > 0) return;
  const problem = await findGone(sql, stored, id);
  if (problem) throw problem;
  found(undefined, stored.name);
}

async function findTrashed<Row>(
  sql: Sql,
  { table }: StoredRecords<Row>,
  id: number,
): Promise<TrashEntry | undefined> {
  const [row] = await sql<{ trashed: TrashEntry | null }[]>`
    select private.trashed(${table}, ${id}) as trashed`;
  return row?.trashed ?? undefined;
}

function gone(name: string, { merged_into, deleted_at }: TrashEntry): Problem {
  return merged_into === null
    ? new Problem("deleted", `The ${name} is in the trash. Restore it to use it again.`, {
      members: { deleted_at },
    })
    : new Problem("merged", `The ${name} was merged. Use ${name} ${merged_into} instead.`, {
      members: { merged_into, deleted_at },
    });
}
