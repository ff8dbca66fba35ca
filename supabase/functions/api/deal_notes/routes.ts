/** The operations on notes on deals. */
import { list, type Operation } from "../../_shared/operation.ts";
import { create, get, restore } from "../../_shared/records/records.ts";
import { createNote, removeNote, updateNote } from "../attachments/notes.ts";
import { dealNotes } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "deal_notes.list",
    path: "/deal_notes",
    summary: "List notes on deals",
    description: "`deal_id=1` lists the notes of one deal, newest first.",
    of: dealNotes.list,
  }),
  get(dealNotes),
  create(dealNotes, {
    description: "Default of `date`: now. Upload files first: POST /attachments.",
    example: { deal_id: 1, text: "Called about the offer" },
    run: (context, { body }) => createNote(context, dealNotes, body),
  }),
  updateNote(dealNotes),
  removeNote(dealNotes),
  restore(dealNotes),
];
