/** SQL of the activity: the list of all changes in the workspace. */
import { listing } from "../../_shared/list/list.ts";
import { activity } from "../../_shared/schema.ts";
import { memberSql } from "../users/queries.ts";
import { Activity } from "./schema.ts";

export const activityList = listing({
  relation: activity,
  record: Activity,
  defaultSort: "-created_at,-id",
  include: { member: (sql) => memberSql(sql, sql`record.member_id`) },
});
