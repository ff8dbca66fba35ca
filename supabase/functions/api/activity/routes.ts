/** Activity over HTTP: what happened in the workspace, and to one record. */
import { idParams } from "../../_shared/fields.ts";
import { type Operation, read } from "../../_shared/operation.ts";
import { activityListing, recordHistory } from "./queries.ts";

const HISTORY = "Newest first. A record in the trash, or deleted for good, keeps its history.";

const list = read({
  id: "activity.list",
  method: "GET",
  path: "/activity",
  summary: "List what happened",
  description: "Who created, changed, merged, deleted or restored which record, newest first. " +
    "Changes of members are shown to admins.",
  access: "member",
  listing: activityListing,
  query: activityListing.query,
  output: activityListing.partialPage,
  run: ({ sql }, { query }) => activityListing.answer(sql, query),
});

const ofContact = read({
  id: "contacts.history",
  method: "GET",
  path: "/contacts/:id/history",
  summary: "List the changes of a contact",
  description: HISTORY,
  access: "member",
  params: idParams,
  listing: activityListing,
  query: activityListing.query,
  output: activityListing.partialPage,
  run: ({ sql }, { params, query }) =>
    recordHistory(sql, { table: "contacts", name: "contact" }, params.id, query),
});

const ofCompany = read({
  id: "companies.history",
  method: "GET",
  path: "/companies/:id/history",
  summary: "List the changes of a company",
  description: HISTORY,
  access: "member",
  params: idParams,
  listing: activityListing,
  query: activityListing.query,
  output: activityListing.partialPage,
  run: ({ sql }, { params, query }) =>
    recordHistory(sql, { table: "companies", name: "company" }, params.id, query),
});

const ofDeal = read({
  id: "deals.history",
  method: "GET",
  path: "/deals/:id/history",
  summary: "List the changes of a deal",
  description: `${HISTORY} Its position on the board is not among them.`,
  access: "member",
  params: idParams,
  listing: activityListing,
  query: activityListing.query,
  output: activityListing.partialPage,
  run: ({ sql }, { params, query }) =>
    recordHistory(sql, { table: "deals", name: "deal" }, params.id, query),
});

export const activityOperations: readonly Operation[] = [list, ofContact, ofCompany, ofDeal];
