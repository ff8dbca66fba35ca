/** Contacts over HTTP: list, get, create, update, delete to the trash, restore, and merge. */
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
import { mergeContacts, mergeContactsOfAtomic } from "./merge.ts";
import { contactResource, contactsListing } from "./queries.ts";
import { Contact, ContactInput } from "./schema.ts";

const OWNER = "the contact's owner, managers and admins";
const example = {
  first_name: "Ada",
  last_name: "Lovelace",
  title: "Analyst",
  status: "warm",
  email_jsonb: [{ email: "ada@example.com", type: "Work" as const }],
  phone_jsonb: [{ number: "+44 20 7946 0001", type: "Work" as const }],
};

const list = read({
  id: "contacts.list",
  method: "GET",
  path: "/contacts",
  summary: "List contacts",
  access: "member",
  listing: contactsListing,
  query: contactsListing.query,
  output: contactsListing.partialPage,
  run: ({ sql }, { query }) => contactsListing.answer(sql, query),
});

const get = read({
  id: "contacts.get",
  method: "GET",
  path: "/contacts/:id",
  summary: "Get a contact",
  description: "A contact in the trash is 410; a merged one names its winner in `merged_into`.",
  access: "member",
  params: idParams,
  query: includeQuery(["company", "owner", "tag_records"]),
  output: Contact,
  problems: ["deleted", "merged"],
  run: ({ sql }, { params, query }) => getRecord(sql, contactResource, params.id, query.include),
});

const create = write({
  id: "contacts.create",
  method: "POST",
  path: "/contacts",
  summary: "Create a contact",
  description: "Without `sales_id` the caller owns it.",
  access: "member",
  body: ContactInput,
  example,
  output: Contact,
  status: 201,
  location: ({ id }) => `contacts/${id}`,
  problems: ["unknown_tag", "unknown_reference"],
  run: ({ sql }, { body }) => createRecord(sql, contactResource, body),
});

const update = write({
  id: "contacts.update",
  method: "PATCH",
  path: "/contacts/:id",
  summary: "Change a contact",
  description:
    "What is absent stays; null clears. With `If-Match`, only the version that was read.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: ContactInput,
  example: { status: "hot" },
  output: Contact,
  problems: ["owner_change_not_allowed", "unknown_tag", "unknown_reference"],
  run: ({ sql }, { params, body, ifMatch }) =>
    updateRecord(sql, contactResource, params.id, body, ifMatch),
});

const remove = write({
  id: "contacts.delete",
  method: "DELETE",
  path: "/contacts/:id",
  summary: "Move a contact to the trash",
  description: "Its notes and tasks go along. Repeating it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, contactResource, params.id, ifMatch),
});

const restore = write({
  id: "contacts.restore",
  method: "POST",
  path: "/contacts/:id/restore",
  summary: "Take a contact out of the trash",
  description: "What its deletion took along comes back with it, and only that.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: Contact,
  problems: ["restore_not_allowed", "merged", "parent_deleted"],
  run: ({ sql }, { params }) => restoreRecord(sql, contactResource, params.id),
});

const bulk = write({
  id: "contacts.bulk",
  method: "POST",
  path: "/contacts/bulk",
  summary: "Change or delete many contacts",
  description: BULK_DESCRIPTION,
  access: "member",
  permission: `every member; owners are changed and contacts deleted by ${OWNER}`,
  body: bulkInput("ContactBulkInput", contactsListing, ContactInput, { tagged: true }),
  example: { ids: [1], set: { status: "hot" }, dry_run: true },
  output: BulkResult,
  multiStatus: true,
  problems: [...BULK_PROBLEMS, "owner_change_not_allowed", "unknown_tag", "unknown_reference"],
  run: ({ sql }, { body }) => runBulk(sql, contactResource, body),
});

export const contactOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  remove,
  restore,
  bulk,
  mergeContacts,
  mergeContactsOfAtomic,
];
