/** The operations on notes on contacts. */
import { list, type Operation } from "../../_shared/operation.ts";
import { create, get, restore } from "../../_shared/records/records.ts";
import { createNote, removeNote, updateNote } from "../attachments/notes.ts";
import { touchContact } from "../contacts/queries.ts";
import { contactNotes } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "contact_notes.list",
    path: "/contact_notes",
    summary: "List notes on contacts",
    description: "`contact_id=1` lists the notes of one contact, newest first.",
    of: contactNotes.list,
  }),
  get(contactNotes),
  create(contactNotes, {
    description:
      "Default of `date`: now. The contact's `last_seen` becomes the note's `date` when " +
      "that is later. `contact_status` sets the contact's status. Upload files first: " +
      "POST /attachments.",
    example: {
      contact_id: 1,
      text: "Called about the offer",
      status: "warm",
      contact_status: "warm",
    },
    problems: ["unknown_contact_status"],
    run: async (context, { body: { contact_status, ...values } }) => {
      const note = await createNote(context, contactNotes, values);
      const change = { seenNow: false, status: contact_status };
      await touchContact(context.sql, note.contact_id, change);
      return note;
    },
  }),
  updateNote(contactNotes),
  removeNote(contactNotes),
  restore(contactNotes),
];
