/** Wire shapes of deals, from the generated schema; only what the database cannot say is refined. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { deals, deals_summary } from "../../_shared/schema.ts";
import { configured } from "../configuration/schema.ts";
import { Owner } from "../users/schema.ts";

/** `?include=` of deals: name → what comes with the deal. */
export const dealIncludes = {
  company: z.object({ id: recordId, name: z.string(), website: z.string().nullable() }).nullable(),
  owner: Owner,
  contacts: z.array(z.object({
    id: recordId,
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    title: z.string().nullable(),
  })),
};

export const Deal = z.object({
  ...deals_summary.row,
  id: recordId,
  name: z.string(),
  stage: z.string(),
  contact_ids: z.array(z.int()),
  nb_notes: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  company: dealIncludes.company.optional(),
  owner: dealIncludes.owner.optional(),
  contacts: dealIncludes.contacts.optional(),
}).meta({ id: "Deal" });
export type Deal = z.output<typeof Deal>;

/** Positions are changed by moving, `archived_at` by archiving. */
const { index: _index, archived_at: _archivedAt, ...settable } = deals.input;

export const DealInput = z.strictObject({
  ...settable,
  name: z.string().trim().min(1, "Use a name.").max(500),
  stage: configured,
  category: configured.nullish(),
  description: z.string().max(100_000).nullish(),
  amount: z.int("Use a whole number that JSON holds exactly.").nullish(),
  contact_ids: z.array(recordId).max(200).nullish(),
}).meta({ id: "DealInput" });
export type DealInput = z.output<typeof DealInput>;

export const DealPatch = DealInput.partial().meta({ id: "DealPatch" });
export type DealPatch = z.output<typeof DealPatch>;
