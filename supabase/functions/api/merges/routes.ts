/** The list of merges. `merge.ts` has the operation that merges records. */
import { list, type Operation } from "../../_shared/operation.ts";
import { mergesList } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "merges.list",
    path: "/merges",
    summary: "List merges",
    description:
      "Newest first: the winner, the losers, the member, and the change. A merge that was undone has " +
      "`undone_by`.",
    of: mergesList,
  }),
];
