/** Activity over HTTP: what happened in the workspace. */
import { list, type Operation } from "../../_shared/operation.ts";
import { activityList } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "activity.list",
    path: "/activity",
    summary: "List what happened",
    description: "Who created, changed, merged, deleted or restored which record, newest first. " +
      "Changes of members are shown to admins.",
    of: activityList,
  }),
];
