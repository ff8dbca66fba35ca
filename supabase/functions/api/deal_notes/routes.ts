/** Notes on deals over HTTP: list, get, create, update, delete to the trash, restore. */
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

import { dealNoteResource, dealNotesListing } from "./queries.ts";
import { DealNote, DealNoteInput, DealNotePatch } from "./schema.ts";

const OWNER = "the note's owner, managers and admins";
const PROBLEMS_OF_A_NOTE: ProblemCode[] = [
  "unknown_reference",

  "attachment_not_uploaded",
  "attachment_type_mismatch",
  "storage_unavailable",
];

const list = read({
  id: "deal_notes.list",
  method: "GET",
  path: "/deal_notes",
  summary: "List notes on deals",
  description: "`deal_id=1` lists those of one deal, the newest first.",
  access: "member",
  listing: dealNotesListing,
  query: dealNotesListing.query,
  output: dealNotesListing.partialPage,
  run: ({ sql }, { query }) => dealNotesListing.answer(sql, query),
});

const get = read({
  id: "deal_notes.get",
  method: "GET",
  path: "/deal_notes/:id",
  summary: "Get a note on a deal",
  access: "member",
  params: idParams,
  query: includeQuery(["deal", "owner"]),
  output: DealNote,
  problems: ["deleted"],
  run: ({ sql }, { params, query }) => getRecord(sql, dealNoteResource, params.id, query.include),
});

const create = write({
  id: "deal_notes.create",
  method: "POST",
  path: "/deal_notes",
  summary: "Write a note on a deal",
  description: "Without `sales_id` the caller owns it, without `date` it is of now. " +
    "Files are uploaded before: POST /attachments.",
  access: "member",
  body: DealNoteInput,
  example: { deal_id: 1, text: "Called about the offer" },
  output: DealNote,
  status: 201,
  location: ({ id }) => `deal_notes/${id}`,
  problems: PROBLEMS_OF_A_NOTE,
  run: async (context, { body }) => {
    const attachments = await resolveAttachments(context, body.attachments);
    return await createRecord(context.sql, dealNoteResource, {
      ...body,
      ...(attachments && { attachments }),
    });
  },
});

const update = write({
  id: "deal_notes.update",
  method: "PATCH",
  path: "/deal_notes/:id",
  summary: "Change a note on a deal",
  description: "What is absent stays; null clears. `attachments` replaces the whole list. With " +
    "`If-Match`, only the version that was read.",
  access: "member",
  permission: `every member; the owner is changed by ${OWNER}`,
  params: idParams,
  body: DealNotePatch,
  example: { text: "Called twice about the offer" },
  output: DealNote,
  problems: [...PROBLEMS_OF_A_NOTE, "owner_change_not_allowed"],
  run: async (context, { params, body, ifMatch }) => {
    const attachments = body.attachments &&
      await resolveAttachments(
        context,
        body.attachments,
        (await getRecord(context.sql, dealNoteResource, params.id)).attachments,
      );
    const values = { ...body, ...(attachments && { attachments }) };
    return await updateRecord(context.sql, dealNoteResource, params.id, values, ifMatch);
  },
});

const remove = write({
  id: "deal_notes.delete",
  method: "DELETE",
  path: "/deal_notes/:id",
  summary: "Move a note on a deal to the trash",
  description:
    "Its files go when it has left the trash and nothing else refers to them. Repeating " +
    "it succeeds.",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: nothing,
  status: 204,
  run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, dealNoteResource, params.id, ifMatch),
});

const restore = write({
  id: "deal_notes.restore",
  method: "POST",
  path: "/deal_notes/:id/restore",
  summary: "Take a note on a deal out of the trash",
  access: "member",
  permission: OWNER,
  params: idParams,
  output: DealNote,
  problems: ["restore_not_allowed", "parent_deleted"],
  run: ({ sql }, { params }) => restoreRecord(sql, dealNoteResource, params.id),
});

export const dealNoteOperations: readonly Operation[] = [
  list,
  get,
  create,
  update,
  remove,
  restore,
];
