/** Companies over HTTP: list, get, create, update, delete to the trash, restore. */
import {
  BULK_DESCRIPTION,
  BULK_PROBLEMS,
  BulkResult,
  runBulk,
} from "../../_shared/records/bulk.ts";
import { bulkInput } from "../../_shared/records/bulkInput.ts";
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import {
  createRecord,
  deleteRecord,
  getRecord,
  restoreRecord,
  updateRecord,
} from "../../_shared/records/records.ts";
import { companiesListing, companyResource } from "./queries.ts";
import { Company, CompanyInput, CompanyPatch } from "./schema.ts";

const OWNER = "the company's owner, managers and admins";

const list = read({
  id: "companies.list",
  method: "GET",
  path: "/companies",
  summary: "List companies",
  access: "member",
  listing: companiesListing,
  query: companiesListing.query,
  output: companiesListing.partialPage,
  run: ({ sql }, { query }) => companiesListing.answer(sql, query),
});

const get = read({
  id: "companies.get",
  method: "GET",
  path: "/companies/:id",
  summary: "Get a company",
  access: "member",
  params: idParams,
  query: includeQuery(["owner"]),
  output: Company,
  problems: ["deleted"],
  run: ({ sql }, { params, query }) => getRecord(sql, companyResource, params.id, query.include),
});

const create = write({
  id: "companies.create",
  method: "POST",
  path: "/companies",
  summary: "Create a company",
  description: "Without `sales_id` the caller owns it.",
  access: "member",
  body: CompanyInput,
  example: { name: "Analytical Engines Ltd", sector: "technology", website: "https://example.com" },
  output: Company,
  status: 201,
  location: ({ id }) => `companies/${id}`,
  problems: ["unknown_reference"],
  run: ({ sql }, { body }) => createRecord(sql, companyResource, body),
});

const update = write({
  id: "companies.update",
  method: "PATCH",
  path: "/companies/:id",
  summary: "Change a company",
  description:
    "What is absent stays; null clears. With `If-Match`, only the version that was read.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: CompanyPatch,
  example: { city: "London" },
  output: Company,
  problems: ["owner_change_not_allowed", "unknown_reference"],
  run: ({ sql }, { params, body, ifMatch }) =>
    updateRecord(sql, companyResource, params.id, body, ifMatch),
});

const remove = write({
  id: "companies.delete",
  method: "DELETE",
  path: "/companies/:id",
  summary: "Move a company to the trash",
  description:
    "Its contacts and deals go along, with their notes and tasks. Repeating it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, companyResource, params.id, ifMatch),
});

const restore = write({
  id: "companies.restore",
  method: "POST",
  path: "/companies/:id/restore",
  summary: "Take a company out of the trash",
  description: "What its deletion took along comes back with it, and only that.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: Company,
  problems: ["restore_not_allowed", "parent_deleted"],
  run: ({ sql }, { params }) => restoreRecord(sql, companyResource, params.id),
});

const bulk = write({
  id: "companies.bulk",
  method: "POST",
  path: "/companies/bulk",
  summary: "Change or delete many companies",
  description: BULK_DESCRIPTION,
  access: "member",
  permission: `every member; owners are changed and companies deleted by ${OWNER}`,
  body: bulkInput("CompanyBulkInput", companiesListing, CompanyPatch),
  example: { ids: [1], set: { city: "London" }, dry_run: true },
  output: BulkResult,
  multiStatus: true,
  problems: [...BULK_PROBLEMS, "owner_change_not_allowed", "unknown_reference"],
  run: ({ sql }, { body }) => runBulk(sql, companyResource, body),
});

export const companyOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  remove,
  restore,
  bulk,
];
