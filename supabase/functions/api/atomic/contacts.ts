/** `merge_contacts` with the request and the answer that Atomic CRM's clients expect. */
import * as z from "zod";
import { idText, recordId } from "../../_shared/fields.ts";
import { type Operation, write } from "../../_shared/operation.ts";
import { contactMergeRules } from "../contacts/mergeRules.ts";
import { contacts } from "../contacts/queries.ts";
import { mergeRecords } from "../merges/merge.ts";

const mergeContacts = write({
  id: "atomic.merge_contacts",
  surface: "atomic",
  method: "POST",
  path: "/merge_contacts",
  summary: "Merge two contacts, for Atomic CRM's clients",
  access: "member",
  allowed: "owner",
  body: z.object({ loserId: idText, winnerId: idText }),
  example: { loserId: 2, winnerId: 1 },
  output: z.object({ success: z.literal(true), winnerId: recordId }),
  problems: ["self_merge", "not_found", "deleted", "merged"],
  run: async ({ sql }, { body: { winnerId, loserId } }) => {
    const records = { ...contacts, rules: contactMergeRules };
    await mergeRecords(sql, records, winnerId, { loser_ids: [loserId] });
    return { success: true as const, winnerId };
  },
});

export const contactOperations: readonly Operation[] = [mergeContacts];
