/** Wire shapes of notes on contacts, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId, timestamp } from "../../_shared/fields.ts";
import { contact_notes, contact_notes_summary } from "../../_shared/schema.ts";
import { Attachment, attachmentsInput } from "../attachments/schema.ts";
import { configured } from "../configuration/schema.ts";
import { ContactReference, contactStatus } from "../contacts/schema.ts";
import { Owner } from "../users/schema.ts";

export const ContactNote = z.object({
  ...contact_notes_summary.row,
  id: recordId,
  contact_id: recordId,
  attachments: z.array(Attachment),
  created_at: z.string(),
  updated_at: z.string(),
  contact: ContactReference.optional(),
  owner: Owner.optional(),
}).meta({ id: "ContactNote" });
export type ContactNote = z.output<typeof ContactNote>;

const fields = {
  ...contact_notes.input,
  text: z.string().max(100_000).nullish(),
  date: timestamp.optional(),
  status: configured.nullish(),
  attachments: attachmentsInput,
};

export const ContactNoteInput = z.strictObject({ ...fields, contact_status: contactStatus })
  .meta({ id: "ContactNoteInput" });
export type ContactNoteInput = z.output<typeof ContactNoteInput>;

export const ContactNotePatch = z.strictObject(fields).partial().meta({
  id: "ContactNotePatch",
});
