/** SQL of the activity: all of a workspace, or that of one record. */
import type { Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import type { ListQuery } from "../../_shared/list/parse.ts";
import type { Reply } from "../../_shared/operation.ts";
import { found } from "../../_shared/problem.ts";
import { activity } from "../../_shared/schema.ts";
import { Activity } from "./schema.ts";

export const activityListing = listing({
  relation: activity,
  name: "activity",
  record: Activity,
  defaultSort: "-created_at,-id",
  include: {
    member: (sql) =>
      sql`
        select to_json(member)
        from (select id, first_name, last_name from sales where sales.id = record.member_id) as member`,
  },
});

/** A table whose records have a history, and what one of them is called. */
export interface Tracked {
  table: string;
  name: string;
}

/** A page of one record's changes; the record may be in the trash, or purged. Throws 404. */
export async function recordHistory(
  sql: Sql,
  { table, name }: Tracked,
  id: number,
  query: ListQuery,
): Promise<Reply> {
  const known = isKnown(sql, table, id);
  const page = activityListing.answer(sql, ofRecord(query, table, id));
  const [exists, reply] = await Promise.all([known, page]);
  found(exists || undefined, name);
  return reply;
}

function ofRecord(query: ListQuery, table: string, id: number): ListQuery {
  const { table_name, record_id } = activityListing.offer.columns;
  const conditions = [
    { column: found(table_name, "column"), operator: "eq" as const, value: table },
    { column: found(record_id, "column"), operator: "eq" as const, value: String(id) },
  ];
  return { ...query, conditions: [...query.conditions, ...conditions] };
}

async function isKnown(sql: Sql, table: string, id: number): Promise<boolean> {
  const [row] = await sql<{ known: boolean }[]>`
    select
      exists (select from ${sql(table)} where id = ${id})
      or private.trashed(${table}, ${id}) is not null
      or exists (select from audit_log where table_name = ${table} and record_id = ${id}) as known`;
  return row?.known ?? false;
}
