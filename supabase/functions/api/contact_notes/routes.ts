/** Notes on contacts over HTTP: list, get, create, update, delete to the trash, restore. */
import { idParams, includeQuery, nothing } from "../../_shared/fields.ts";
import { type Operation, read, write } from "../../_shared/operation.ts";
import type { ProblemCode } from "../../_shared/problem.ts";
import {
  createRecord,
  deleteRecord,
  getRecord,
  restoreRecord,
  updateRecord,
} from "../../_shared/records/records.ts";
import { resolveAttachments } from "../attachments/files.ts";
import { touchContact } from "../tasks/queries.ts";
import { contactNoteResource, contactNotesListing } from "./queries.ts";
import { ContactNote, ContactNoteInput, ContactNotePatch } from "./schema.ts";

const OWNER = "the note's owner, managers and admins";
const PROBLEMS_OF_A_NOTE: ProblemCode[] = [
  "unknown_reference",
  "unknown_status",
  "attachment_not_uploaded",
  "attachment_type_mismatch",
  "storage_unavailable",
];

const list = read({
  id: "contact_notes.list",
  method: "GET",
  path: "/contact_notes",
  summary: "List notes on contacts",
  description: "`contact_id=1` lists those of one contact, the newest first.",
  access: "member",
  listing: contactNotesListing,
  query: contactNotesListing.query,
  output: contactNotesListing.partialPage,
  run: ({ sql }, { query }) => contactNotesListing.answer(sql, query),
});

const get = read({
  id: "contact_notes.get",
  method: "GET",
  path: "/contact_notes/:id",
  summary: "Get a note on a contact",
  access: "member",
  params: idParams,
  query: includeQuery(["contact", "owner"]),
  output: ContactNote,
  problems: ["deleted"],
  run: ({ sql }, { params, query }) =>
    getRecord(sql, contactNoteResource, params.id, query.include),
});

const create = write({
  id: "contact_notes.create",
  method: "POST",
  path: "/contact_notes",
  summary: "Write a note on a contact",
  description: "Without `sales_id` the caller owns it, without `date` it is of now. " +
    "The contact's `last_seen` moves to its date; `contact_status` sets the contact's status.",
  access: "member",
  body: ContactNoteInput,
  example: {
    contact_id: 1,
    text: "Called about the offer",
    status: "warm",
    contact_status: "warm",
  },
  output: ContactNote,
  status: 201,
  location: ({ id }) => `contact_notes/${id}`,
  problems: [...PROBLEMS_OF_A_NOTE, "unknown_contact_status"],
  run: async (context, { body: { contact_status, ...values } }) => {
    const attachments = await resolveAttachments(context, values.attachments);
    const note = await createRecord(context.sql, contactNoteResource, {
      ...values,
      ...(attachments && { attachments }),
    });
    await touchContact(context.sql, note.contact_id, { seenNow: false, status: contact_status });
    return note;
  },
});

const update = write({
  id: "contact_notes.update",
  method: "PATCH",
  path: "/contact_notes/:id",
  summary: "Change a note on a contact",
  description: "What is absent stays; null clears. `attachments` replaces the whole list. With " +
    "`If-Match`, only the version that was read.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: ContactNotePatch,
  example: { text: "Called twice about the offer" },
  output: ContactNote,
  problems: [...PROBLEMS_OF_A_NOTE, "owner_change_not_allowed"],
  run: async (context, { params, body, ifMatch }) => {
    const attachments = body.attachments &&
      await resolveAttachments(
        context,
        body.attachments,
        (await getRecord(context.sql, contactNoteResource, params.id)).attachments,
      );
    const values = { ...body, ...(attachments && { attachments }) };
    return await updateRecord(context.sql, contactNoteResource, params.id, values, ifMatch);
  },
});

const remove = write({
  id: "contact_notes.delete",
  method: "DELETE",
  path: "/contact_notes/:id",
  summary: "Move a note on a contact to the trash",
  description:
    "Its files go when it has left the trash and nothing else refers to them. Repeating " +
    "it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, contactNoteResource, params.id, ifMatch),
});

const restore = write({
  id: "contact_notes.restore",
  method: "POST",
  path: "/contact_notes/:id/restore",
  summary: "Take a note on a contact out of the trash",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: ContactNote,
  problems: ["restore_not_allowed", "parent_deleted"],
  run: ({ sql }, { params }) => restoreRecord(sql, contactNoteResource, params.id),
});

export const contactNoteOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  remove,
  restore,
];
