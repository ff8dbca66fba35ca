/** `merge_contacts`, as Atomic CRM's clients call it: the same work behind its shapes. */
import * as z from "zod";
import { idParams, recordId } from "../../_shared/fields.ts";
import { type Operation, write } from "../../_shared/operation.ts";
import { merge } from "../contacts/merge.ts";

const mergeContacts = write({
  id: "atomic.merge_contacts",
  surface: "atomic",
  method: "POST",
  path: "/merge_contacts",
  summary: "Merge two contacts, as Atomic CRM's clients ask for it",
  access: "member",
  allowed: "owner",
  body: z.object({ loserId: idParams.shape.id, winnerId: idParams.shape.id }),
  example: { loserId: 2, winnerId: 1 },
  output: z.object({ success: z.literal(true), winnerId: recordId }),
  problems: ["self_merge", "not_found", "deleted", "merged"],
  run: async ({ sql, member }, { body: { winnerId, loserId } }) => {
    await merge(sql, member, winnerId, { loser_ids: [loserId] });
    return { success: true as const, winnerId };
  },
});

export const contactOperations: readonly Operation[] = [mergeContacts];
