/** The schemas of notes on deals: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { recordId, shortText } from "../../_shared/fields.ts";
import { deal_notes, deal_notes_summary } from "../../_shared/schema.ts";
import { Attachment, noteFields } from "../attachments/schema.ts";
import { MemberReference } from "../users/schema.ts";

const deal = z.object({ id: recordId, name: z.string(), stage: z.string() }).nullable();

export const DealNote = z.object({
  ...deal_notes_summary.row,
  id: recordId,
  deal_id: recordId,
  attachments: z.array(Attachment),
  created_at: z.string(),
  updated_at: z.string(),
  deal: deal.optional(),
  owner: MemberReference.optional(),
}).meta({ id: "DealNote" });
export type DealNote = z.output<typeof DealNote>;

const fields = {
  ...deal_notes.input,
  ...noteFields,
  type: shortText,
};

export const DealNoteInput = z.strictObject(fields).meta({ id: "DealNoteInput" });

export const DealNotePatch = z.strictObject(fields).partial().meta({ id: "DealNotePatch" });
