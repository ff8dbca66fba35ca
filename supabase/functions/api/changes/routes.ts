/** The operations on changes. */
import { includeQuery } from "../../_shared/fields.ts";
import { list, type Operation, read } from "../../_shared/operation.ts";
import { activityList } from "../activity/queries.ts";
import { changedRecords, changesList, getChange } from "./queries.ts";
import { ChangeWithRecords } from "./schema.ts";
import { changeParams, undo } from "./undo.ts";

export const operations: readonly Operation[] = [
  list({
    id: "changes.list",
    path: "/changes",
    summary: "List the changes of the workspace",
    description:
      "Newest first: one change for each request or transaction that changed records, through this " +
      "API or beside it. With `after` it is a feed: changes in the order in which they became " +
      'visible, without gaps. `format=ndjson` streams it, with a line `{"next_cursor"}` after each ' +
      "block.",
    of: changesList,
  }),
  read({
    id: "changes.get",
    method: "GET",
    path: "/changes/:id",
    summary: "Get a change with its records",
    description:
      "`records` has the first 100 entries, with the fields before and after. Only admins see " +
      "changes of members.",
    access: "member",
    params: changeParams,
    query: includeQuery(["member"]),
    output: ChangeWithRecords,
    run: ({ sql }, { params, query }) => getChange(sql, params.id, query.include),
  }),
  list({
    id: "changes.records",
    path: "/changes/:id/records",
    summary: "List the records of a change",
    description: "In the order in which they were changed, with the fields before and after.",
    params: changeParams,
    of: activityList,
    run: ({ sql }, { params, query }) => changedRecords(sql, params.id, query),
  }),
  undo,
];
