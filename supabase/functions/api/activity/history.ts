/** The history of one record: its changes, from the activity of the workspace. */
import { pipelined, type Sql } from "../../_shared/database/database.ts";
import { idParams } from "../../_shared/fields.ts";
import type { ListQuery } from "../../_shared/list/list.ts";
import { list, type Operation, type Reply } from "../../_shared/operation.ts";
import { found } from "../../_shared/problem.ts";
import type { Resource } from "../../_shared/records/records.ts";
import { activityList } from "./queries.ts";

type Subject = Pick<Resource, "table" | "name" | "title">;

/** `GET /<table>/:id/history` */
export function history(of: Subject): Operation {
  return list({
    id: `${of.table}.history`,
    path: `/${of.table}/:id/history`,
    summary: `List the changes of ${of.title}`,
    description: "Newest first. A record in the trash, or a purged one, keeps its history.",
    params: idParams,
    of: activityList,
    run: ({ sql }, { params, query }) => recordHistory(sql, of, params.id, query),
  });
}

/**
 * Returns a page of one record's changes. The record may be in the trash, or purged.
 * @throws Problem `not_found`.
 */
async function recordHistory(
  sql: Sql,
  { table, name }: Subject,
  id: number,
  query: ListQuery,
): Promise<Reply> {
  const [known, page] = await pipelined([
    isKnown(sql, table, id),
    activityList.answer(sql, activityList.narrowed(query, { table_name: table, record_id: id })),
  ]);
  found(known || undefined, name);
  return page;
}

async function isKnown(sql: Sql, table: string, id: number): Promise<boolean> {
  const [row] = await sql<{ known: boolean }[]>`
    select
      exists (select from ${sql(table)} where id = ${id})
      or private.trashed(${table}, ${id}) is not null
      or exists (select from audit_log where table_name = ${table} and record_id = ${id}) as known`;
  return row?.known ?? false;
}
