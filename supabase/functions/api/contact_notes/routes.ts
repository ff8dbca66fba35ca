/** Notes on contacts over HTTP. */
import { list, type Operation } from "../../_shared/operation.ts";
import {
  create,
  createRecord,
  get,
  getRecord,
  remove,
  restore,
  update,
  updateRecord,
} from "../../_shared/records/records.ts";
import { withAttachments } from "../attachments/files.ts";
import { touchContact } from "../contacts/queries.ts";
import { contactNotes } from "./queries.ts";

export const operations: readonly Operation[] = [
  list({
    id: "contact_notes.list",
    path: "/contact_notes",
    summary: "List notes on contacts",
    description: "`contact_id=1` lists those of one contact, the newest first.",
    of: contactNotes.list,
  }),
  get(contactNotes),
  create(contactNotes, {
    description: "Without `date` it is of now. The contact's `last_seen` moves to its date; " +
      "`contact_status` sets the contact's status. Files are uploaded before: POST /attachments.",
    example: {
      contact_id: 1,
      text: "Called about the offer",
      status: "warm",
      contact_status: "warm",
    },
    problems: ["unknown_contact_status"],
    run: async (context, { body: { contact_status, ...values } }) => {
      const { sql } = context;
      const note = await createRecord(sql, contactNotes, await withAttachments(context, values));
      await touchContact(sql, note.contact_id, { seenNow: false, status: contact_status });
      return note;
    },
  }),
  update(contactNotes, {
    description: "`attachments` replaces the whole list.",
    example: { text: "Called twice about the offer" },
    run: async (context, { params, body, ifMatch }) => {
      const stored = () => getRecord(context.sql, contactNotes, params.id);
      const values = await withAttachments(context, body, stored);
      return await updateRecord(context.sql, contactNotes, params.id, values, ifMatch);
    },
  }),
  remove(contactNotes, {
    description: "Its files are removed when it has left the trash and no note refers to them.",
  }),
  restore(contactNotes),
];
