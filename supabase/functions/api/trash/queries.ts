/** SQL of the trash. Members have no access to its table, so functions of the database read and change it. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { decodeCursor, pageOf } from "../../_shared/list/list.ts";
import { JsonText } from "../../_shared/operation.ts";
import { found, invariant } from "../../_shared/problem.ts";
import { memberSql } from "../users/queries.ts";
import type { Purged, Restored, TrashQuery } from "./schema.ts";

/** Maximum number of rows that one request purges. */
const PURGE_SIZE = 5_000;
const ITEM = "record in the trash";

/**
 * Returns a page of the trash, newest first. Rows that a cascade deleted have no item.
 * @throws Problem `invalid_cursor`.
 */
export async function listTrash(sql: Sql, query: TrashQuery): Promise<JsonText> {
  const { table_name = null, reason = null, deleted_by = null, limit, cursor, include } = query;
  const binding = JSON.stringify(["trash", table_name, reason, deleted_by]);
  const position = cursor === undefined ? undefined : decodeCursor(cursor, binding, 1);
  const before = position?.key[0] ?? null;
  const items = sql`
    private.list_trash(
      ${table_name}, ${reason}, ${deleted_by}::bigint, ${before}::text::bigint,
      ${limit + 1}::integer
    )`;
  const rows = await selectItems(sql, items, include);
  return pageOf(rows, limit, position?.offset ?? 0, binding);
}

/** Returns one item. Throws `Problem` `not_found`. */
export async function getItem(sql: Sql, id: number, include?: string[]): Promise<JsonText> {
  const items = sql`private.list_trash(null, null, null, ${id}::bigint + 1, 1)`;
  const rows = await selectItems(sql, items, include);
  return new JsonText(found(rows.find(({ key }) => key[0] === String(id)), ITEM).record);
}

async function selectItems(sql: Sql, items: Fragment, include: string[] = []) {
  const member = include.includes("member")
    ? sql`, (${memberSql(sql, sql`trashed.deleted_by`)}) as member`
    : sql``;
  return await sql<{ record: string; key: [string] }[]>`
    select to_json(item)::text as record, json_build_array(item.id::text) as key
    from (select trashed.* ${member} from ${items} as trashed) as item
    order by item.id desc`;
}

/**
 * Restores the record of an item.
 * @param parentId the record that it belongs to from now on. Default: the former one.
 * @throws Problem `not_found`, `restore_not_allowed`, `merged`, `parent_deleted`, `parent_purged`,
 * `unknown_reference`, `tag_exists`.
 */
export async function restoreItem(sql: Sql, id: number, parentId?: number): Promise<Restored> {
  const [item] = await sql<Pick<Restored, "table_name" | "record_id">[]>`
    select table_name, record_id::float8 as record_id from private.trash_item(${id})`;
  const { table_name, record_id } = found(item, ITEM);
  const [row] = await sql<{ result: Pick<Restored, "restored"> | null }[]>`
    select private.restore(${table_name}, ${record_id}, ${parentId ?? null}::bigint) as result`;
  const { restored } = found(row?.result, ITEM);
  return { table_name, record_id, restored };
}

/** Purges an item. Repeating it succeeds. Throws `Problem` `not_found`. */
export async function purgeItem(sql: Sql, id: number): Promise<void> {
  const [row] = await sql<{ purged: Purged["purged"] }[]>`
    select private.purge_trash_item(${id}) as purged`;
  if (Object.keys(row?.purged ?? {}).length > 0) return;
  const [earlier] = await sql<{ purged: boolean }[]>`select private.was_purged(${id}) as purged`;
  found(earlier?.purged || undefined, ITEM);
}

/** Purges the trash, at most `PURGE_SIZE` rows. */
export async function emptyTrash(sql: Sql): Promise<Purged> {
  const [row] = await sql<{ purged: Purged["purged"] }[]>`
    select private.empty_trash(${PURGE_SIZE}) as purged`;
  const { purged } = invariant(row, "Emptying the trash returned no row");
  return { purged, complete: total(purged) < PURGE_SIZE };
}

function total(purged: Purged["purged"]): number {
  return Object.values(purged).reduce((sum, count) => sum + count, 0);
}
