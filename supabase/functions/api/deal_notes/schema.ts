/** Wire shapes of notes on deals, from the generated schema; only what the database cannot say is refined. */
import { createInsertSchema, createSelectSchema } from "drizzle-zod";
import * as z from "zod";
import { recordId, timestamp } from "../../_shared/fields.ts";
import { deal_notes, deal_notes_summary } from "../../_shared/schema.ts";
import { Attachment, attachmentsInput } from "../attachments/schema.ts";
import { Owner } from "../users/schema.ts";

const deal = z.object({ id: recordId, name: z.string(), stage: z.string() }).nullable();

export const DealNote = createSelectSchema(deal_notes_summary, {
  id: recordId,
  deal_id: recordId,
  attachments: z.array(Attachment),
  created_at: z.string(),
  updated_at: z.string(),
}).extend({
  deal: deal.optional(),
  owner: Owner.optional(),
}).meta({ id: "DealNote" });
export type DealNote = z.output<typeof DealNote>;

const fields = createInsertSchema(deal_notes, {
  deal_id: recordId,
  text: z.string().max(100_000).nullish(),
  date: timestamp.optional(),
  sales_id: recordId.nullish(),
  type: z.string().trim().max(500).nullish(),
  attachments: attachmentsInput,
}).omit({ id: true, workspace_id: true, created_at: true, updated_at: true });

export const DealNoteInput = z.strictObject(fields.shape).meta({ id: "DealNoteInput" });

export const DealNotePatch = z.strictObject(fields.shape).partial().meta({ id: "DealNotePatch" });
