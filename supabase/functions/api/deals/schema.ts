/** The schemas of deals: the generated ones, refined where the database cannot check. */
import * as z from "zod";
import { externalIds, longText, recordId, requiredName } from "../../_shared/fields.ts";
import { deals, deals_summary } from "../../_shared/schema.ts";
import { CompanyReference } from "../companies/schema.ts";
import { configured } from "../configuration/schema.ts";
import { MemberReference } from "../users/schema.ts";

const DealContact = z.object({
  id: recordId,
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  title: z.string().nullable(),
});

export const Deal = z.object({
  ...deals_summary.row,
  id: recordId,
  name: z.string(),
  stage: z.string(),
  contact_ids: z.array(z.int()),
  nb_notes: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  company: CompanyReference.optional(),
  owner: MemberReference.optional(),
  contacts: z.array(DealContact).optional(),
}).meta({ id: "Deal" });
export type Deal = z.output<typeof Deal>;

/** `deals.move` sets the position, `deals.archive` and `deals.unarchive` set `archived_at`. */
const { index: _index, archived_at: _archivedAt, ...settable } = deals.input;

export const DealInput = z.strictObject({
  ...settable,
  name: requiredName,
  stage: configured,
  category: configured.nullish(),
  description: longText,
  amount: z.int("Use a whole number of at most 9007199254740991.").nullish(),
  contact_ids: z.array(recordId).max(200).nullish(),
  external_ids: externalIds,
}).meta({ id: "DealInput" });
export type DealInput = z.output<typeof DealInput>;

export const DealPatch = DealInput.partial().meta({ id: "DealPatch" });
export type DealPatch = z.output<typeof DealPatch>;
