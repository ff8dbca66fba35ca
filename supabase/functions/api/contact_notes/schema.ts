/** The schemas of notes on contacts: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { contact_notes, contact_notes_summary } from "../../_shared/schema.ts";
import { Attachment, noteFields } from "../attachments/schema.ts";
import { configured } from "../configuration/schema.ts";
import { ContactReference, contactStatus } from "../contacts/schema.ts";
import { MemberReference } from "../users/schema.ts";

export const ContactNote = z.object({
  ...contact_notes_summary.row,
  id: recordId,
  contact_id: recordId,
  attachments: z.array(Attachment),
  created_at: z.string(),
  updated_at: z.string(),
  contact: ContactReference.optional(),
  owner: MemberReference.optional(),
}).meta({ id: "ContactNote" });
export type ContactNote = z.output<typeof ContactNote>;

const fields = {
  ...contact_notes.input,
  ...noteFields,
  status: configured.nullish(),
};

export const ContactNoteInput = z.strictObject({ ...fields, contact_status: contactStatus })
  .meta({ id: "ContactNoteInput" });
export type ContactNoteInput = z.output<typeof ContactNoteInput>;

export const ContactNotePatch = z.strictObject(fields).partial().meta({
  id: "ContactNotePatch",
});
