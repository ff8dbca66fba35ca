/** Wire shapes of notes on deals, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId, timestamp } from "../../_shared/fields.ts";
import { deal_notes, deal_notes_summary } from "../../_shared/schema.ts";
import { Attachment, attachmentsInput } from "../attachments/schema.ts";
import { Owner } from "../users/schema.ts";

const deal = z.object({ id: recordId, name: z.string(), stage: z.string() }).nullable();

export const DealNote = z.object({
  ...deal_notes_summary.row,
  id: recordId,
  deal_id: recordId,
  attachments: z.array(Attachment),
  created_at: z.string(),
  updated_at: z.string(),
  deal: deal.optional(),
  owner: Owner.optional(),
}).meta({ id: "DealNote" });
export type DealNote = z.output<typeof DealNote>;

const fields = {
  ...deal_notes.input,
  text: z.string().max(100_000).nullish(),
  date: timestamp.optional(),
  type: z.string().trim().max(500).nullish(),
  attachments: attachmentsInput,
};

export const DealNoteInput = z.strictObject(fields).meta({ id: "DealNoteInput" });

export const DealNotePatch = z.strictObject(fields).partial().meta({ id: "DealNotePatch" });
