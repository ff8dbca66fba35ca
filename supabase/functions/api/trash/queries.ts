/** SQL of the trash: functions of the database, which keeps the trash to itself. */
import { decodeCursor, encodeCursor } from "../../_shared/list/list.ts";
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { JsonText, Reply } from "../../_shared/operation.ts";
import { found, invariant } from "../../_shared/problem.ts";
import { memberSql } from "../users/queries.ts";
import type { Purged, Restored, TrashQuery } from "./schema.ts";

/** Rows that one request deletes for good at most. */
const PURGE_SIZE = 5_000;
const ITEM = "record in the trash";

/** A page of what was deleted itself, newest first. */
export async function listTrash(sql: Sql, query: TrashQuery): Promise<Reply> {
  const { table_name = null, reason = null, deleted_by = null, limit, cursor, include } = query;
  const binding = JSON.stringify(["trash", table_name, reason, deleted_by]);
  const from = cursor === undefined ? undefined : decodeCursor(cursor, binding, 1);
  const before = from?.key[0] ?? null;
  const items = sql`
    private.list_trash(
      ${table_name}, ${reason}, ${deleted_by}::bigint, ${before}::text::bigint,
      ${limit + 1}::integer
    )`;
  const rows = await selectItems(sql, items, include);
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const offset = (from?.offset ?? 0) + shown.length;
  const next = last ? JSON.stringify(encodeCursor({ key: [last.id], offset }, binding)) : "null";
  const data = shown.map(({ record }) => record).join(",");
  return new Reply(new JsonText(`{"data":[${data}],"next_cursor":${next}}`));
}

/** One of them by its id. Throws 404. */
export async function getItem(sql: Sql, id: number, include?: string[]): Promise<JsonText> {
  const items = sql`private.list_trash(null, null, null, ${id}::bigint + 1, 1)`;
  const rows = await selectItems(sql, items, include);
  return new JsonText(found(rows.find((row) => row.id === String(id)), ITEM).record);
}

async function selectItems(sql: Sql, items: Fragment, include: string[] = []) {
  const member = include.includes("member")
    ? sql`, (${memberSql(sql, sql`trashed.deleted_by`)}) as member`
    : sql``;
  return await sql<{ record: string; id: string }[]>`
    select to_json(item)::text as record, item.id::text as id
    from (select trashed.* ${member} from ${items} as trashed) as item
    order by item.id desc`;
}

/** Takes a record out of the trash by the id of its row there. Throws 404. */
export async function restoreItem(sql: Sql, id: number): Promise<Restored> {
  const [item] = await sql<Pick<Restored, "table_name" | "record_id">[]>`
    select table_name, record_id::float8 as record_id from private.trash_item(${id})`;
  const { table_name, record_id } = found(item, ITEM);
  const [row] = await sql<{ result: Pick<Restored, "restored"> | null }[]>`
    select private.restore(${table_name}, ${record_id}) as result`;
  const { restored } = found(row?.result, ITEM);
  return { table_name, record_id, restored };
}

/** Deletes a record of the trash for good, with what went along; repeating it succeeds. Throws 404. */
export async function purgeItem(sql: Sql, id: number): Promise<void> {
  const [row] = await sql<{ purged: Purged["purged"] }[]>`
    select private.purge_trash_item(${id}) as purged`;
  if (Object.keys(row?.purged ?? {}).length > 0) return;
  const [before] = await sql<{ purged: boolean }[]>`select private.was_purged(${id}) as purged`;
  found(before?.purged || undefined, ITEM);
}

/** Deletes all of the trash for good, a limited number of rows at a time. */
export async function emptyTrash(sql: Sql): Promise<Purged> {
  const [row] = await sql<{ purged: Purged["purged"] }[]>`
    select private.empty_trash(${PURGE_SIZE}) as purged`;
  const { purged } = invariant(row, "Emptying the trash returned no row");
  return { purged, complete: total(purged) < PURGE_SIZE };
}

/** How many rows were deleted, over all tables. */
export function total(purged: Purged["purged"]): number {
  return Object.values(purged).reduce((sum, count) => sum + count, 0);
}
