/** The operations on deals. */
import { list, type Operation } from "../../_shared/operation.ts";
import { bulk, create, get, remove, restore, update } from "../../_shared/records/records.ts";
import { history } from "../activity/history.ts";
import { upserts } from "../upserts/upsert.ts";
import { archiveDeal, unarchiveDeal } from "./archive.ts";
import { dealsBoard } from "./board.ts";
import { bulkDeals } from "./bulk.ts";
import { createDeal, updateDeal } from "./changes.ts";
import { moveDeal } from "./move.ts";
import { deals } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "deals.list",
    path: "/deals",
    summary: "List deals",
    description: "The list includes archived deals. `archived_at=is.null` leaves them out.",
    of: deals.list,
  }),
  // Before `get`, because `/deals/:id` also matches `/deals/board`.
  dealsBoard,
  get(deals),
  create(deals, {
    description:
      "The deal goes to the top of the column of its stage. In a won or lost stage of the " +
      "configuration, the default of `closed_at` is now.",
    example: {
      name: "Difference engine",
      stage: "opportunity",
      category: "new-business",
      amount: 25_000,
      expected_closing_date: "2027-03-31",
    },
    run: ({ sql, member }, { body }) => createDeal(sql, member, body),
  }),
  update(deals, {
    description:
      "When the stage changes, the deal goes to the top of the new column. `deals.move` can choose " +
      "another place.",
    example: { amount: 30_000 },
    problems: ["closing_date_required"],
    run: ({ sql, member }, { params, body, ifMatch }) =>
      updateDeal(sql, member, params.id, body, ifMatch),
  }),
  remove(deals, { description: "Its notes move to the trash with it." }),
  restore(deals, {
    description: "The deal returns to its former position. Its notes come back with it.",
  }),
  bulk(deals, {
    example: { ids: [1], set: { amount: 30_000 }, dry_run: true },
    problems: ["closing_date_required"],
    run: ({ sql, member }, { body }) => bulkDeals(sql, member, body),
    records: upserts(deals, "deals", {
      name: "Compiler",
      stage: "opportunity",
      amount: 12_000,
      external_ids: [{ source: "hubspot", id: "4713" }],
    }),
  }),
  history(deals),
  archiveDeal,
  unarchiveDeal,
  moveDeal,
];
