/** SQL of merges: the list, which reads the changes. */
import { listing } from "../../_shared/list/list.ts";
import { merges } from "../../_shared/schema.ts";
import { memberSql } from "../users/queries.ts";
import { MergeRecord } from "./schema.ts";

export const mergesList = listing({
  relation: merges,
  record: MergeRecord,
  defaultSort: "-created_at,-id",
  include: { member: (sql) => memberSql(sql, sql`record.member_id`) },
});
