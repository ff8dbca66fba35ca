/** Deals over HTTP: list, board, get, create, update, delete to the trash, restore, archive and move. */
import { BULK_DESCRIPTION, BULK_PROBLEMS, BulkResult } from "../../_shared/records/bulk.ts";
import { bulkInput } from "../../_shared/records/bulkInput.ts";
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import { getRecord } from "../../_shared/records/records.ts";
import { archiveDeal, unarchiveDeal } from "./archive.ts";
import { bulkDeals } from "./bulk.ts";
import { dealsBoard } from "./board.ts";
import { createDeal, deleteDeal, restoreDeal, updateDeal } from "./changes.ts";
import { moveDeal } from "./move.ts";
import { dealResource, dealsListing } from "./queries.ts";
import { Deal, DealInput, DealPatch } from "./schema.ts";

const OWNER = "the deal's owner, managers and admins";
const VALUE_PROBLEMS = [
  "unknown_stage",
  "unknown_category",
  "unknown_contact",
  "unknown_reference",
  "closing_date_not_allowed",
] as const;

const list = read({
  id: "deals.list",
  method: "GET",
  path: "/deals",
  summary: "List deals",
  description: "Archived ones too, unless `archived_at=is.null`.",
  access: "member",
  listing: dealsListing,
  query: dealsListing.query,
  output: dealsListing.partialPage,
  run: ({ sql }, { query }) => dealsListing.answer(sql, query),
});

const get = read({
  id: "deals.get",
  method: "GET",
  path: "/deals/:id",
  summary: "Get a deal",
  access: "member",
  params: idParams,
  query: includeQuery(["company", "owner", "contacts"]),
  output: Deal,
  problems: ["deleted"],
  run: ({ sql }, { params, query }) => getRecord(sql, dealResource, params.id, query.include),
});

const create = write({
  id: "deals.create",
  method: "POST",
  path: "/deals",
  summary: "Create a deal",
  description:
    "At the top of its stage's column. Without `sales_id` the caller owns it. In a stage " +
    "that the configuration calls won or lost, `closed_at` is now unless said.",
  access: "member",
  body: DealInput,
  example: {
    name: "Difference engine",
    stage: "opportunity",
    category: "new-business",
    amount: 25_000,
    expected_closing_date: "2027-03-31",
  },
  output: Deal,
  status: 201,
  location: ({ id }) => `deals/${id}`,
  problems: [...VALUE_PROBLEMS],
  run: ({ sql, member }, { body }) => createDeal(sql, member, body),
});

const update = write({
  id: "deals.update",
  method: "PATCH",
  path: "/deals/:id",
  summary: "Change a deal",
  description:
    "What is absent stays; null clears. With `If-Match`, only the version that was read. " +
    "A changed stage puts it at the top of the new column; to choose the place, move it.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: DealPatch,
  example: { amount: 30_000 },
  output: Deal,
  problems: ["owner_change_not_allowed", "closing_date_required", ...VALUE_PROBLEMS],
  run: ({ sql, member }, { params, body, ifMatch }) =>
    updateDeal(sql, member, params.id, body, ifMatch),
});

const remove = write({
  id: "deals.delete",
  method: "DELETE",
  path: "/deals/:id",
  summary: "Move a deal to the trash",
  description: "Its notes go along. Repeating it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql, member }, { params, ifMatch }) => deleteDeal(sql, member, params.id, ifMatch),
});

const restore = write({
  id: "deals.restore",
  method: "POST",
  path: "/deals/:id/restore",
  summary: "Take a deal out of the trash",
  description: "What its deletion took along comes back with it, and only that.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: Deal,
  problems: ["restore_not_allowed", "parent_deleted"],
  run: ({ sql, member }, { params }) => restoreDeal(sql, member, params.id),
});

const bulk = write({
  id: "deals.bulk",
  method: "POST",
  path: "/deals/bulk",
  summary: "Change or delete many deals",
  description: BULK_DESCRIPTION,
  access: "member",
  permission: `every member; owners are changed and deals deleted by ${OWNER}`,
  body: bulkInput("DealBulkInput", dealsListing, DealPatch),
  example: { ids: [1], set: { amount: 30_000 }, dry_run: true },
  output: BulkResult,
  multiStatus: true,
  problems: [...BULK_PROBLEMS, "owner_change_not_allowed", ...VALUE_PROBLEMS],
  run: ({ sql, member }, { body }) => bulkDeals(sql, member, body),
});

export const dealOperations: readonly Operation[] = [
  list,
  // Before `get`: the first route that fits answers.
  dealsBoard,
  get,
  create,
  update,
  remove,
  restore,
  bulk,
  archiveDeal,
  unarchiveDeal,
  moveDeal,
];
