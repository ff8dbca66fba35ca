/** The operation on the activity of a workspace. */
import { list, type Operation } from "../../_shared/operation.ts";
import { activityList } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "activity.list",
    path: "/activity",
    summary: "List the changes in the workspace",
    description:
      "Newest first: which member created, changed, merged, deleted or restored which record. " +
      "Only admins see changes of members.",
    of: activityList,
  }),
];
