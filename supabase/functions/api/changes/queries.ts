/** SQL of changes: the list, and one change with its records. */
import { pipelined, type Sql } from "../../_shared/database/database.ts";
import { listing, type ListQuery } from "../../_shared/list/list.ts";
import { JsonText, type Reply } from "../../_shared/operation.ts";
import { found, invariant } from "../../_shared/problem.ts";
import { changes } from "../../_shared/schema.ts";
import { activityList } from "../activity/queries.ts";
import { memberSql } from "../users/queries.ts";
import { changeFilters } from "./filters.ts";
import { Change } from "./schema.ts";

/** The greatest uuid: the key of `now` comes after all changes of its transaction. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

export const changesList = listing({
  relation: changes,
  record: Change,
  defaultSort: "-created_at,-id",
  filters: changeFilters,
  include: { member: (sql) => memberSql(sql, sql`record.member_id`) },
  feed: {
    order: "transaction_id,id",
    isSettled: (sql) =>
      sql`record.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint`,
    now: async (sql) => {
      const [row] = await sql<{ last: string }[]>`
        select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text as last`;
      return [invariant(row, "A snapshot has an oldest transaction").last, LAST_ID];
    },
  },
});

const FIRST_RECORDS = activityList.parse({ sort: "id", limit: "100" });

/** Returns a change with the first 100 entries of its records. Throws `Problem` `not_found`. */
export async function getChange(sql: Sql, id: string, include?: string[]): Promise<JsonText> {
  const [change, records] = await pipelined([
    changesList.find(sql, id, include),
    activityList.answer(sql, activityList.narrowed(FIRST_RECORDS, { change_id: id })),
  ]);
  const text = JSON.stringify(found(change, "change"));
  return new JsonText(`${text.slice(0, -1)},"records":${textOf(records)}}`);
}

/** Returns a page of the entries of a change's records. Throws `Problem` `not_found`. */
export async function changedRecords(sql: Sql, id: string, query: ListQuery): Promise<Reply> {
  const sorted = query.sort.length > 0 ? query : { ...query, sort: FIRST_RECORDS.sort };
  const [change, page] = await pipelined([
    changesList.find(sql, id),
    activityList.answer(sql, activityList.narrowed(sorted, { change_id: id })),
  ]);
  found(change, "change");
  return page;
}

function textOf({ body }: Reply): string {
  return body instanceof JsonText ? body.text : JSON.stringify(body);
}
