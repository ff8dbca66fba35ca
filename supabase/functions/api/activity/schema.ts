/** The schemas of the activity: rows of the audit log, as the view `activity` shows them. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { activity } from "../../_shared/schema.ts";
import { MemberReference } from "../users/schema.ts";

export const Activity = z.object({
  ...activity.row,
  id: recordId,
  table_name: z.string(),
  record_id: recordId,
  action: z.enum([
    "created",
    "updated",
    "stage_changed",
    "deleted",
    "merged",
    "restored",
    "purged",
  ]),
  changes: z.record(z.string(), z.object({ before: z.unknown(), after: z.unknown() }))
    .describe("The changed fields. Empty when the record has been purged."),
  member_id: recordId.nullable().describe(
    "The member who made the change; `null` for a script with the secret key.",
  ),
  user_id: z.uuid().nullable(),
  created_at: z.string(),
  member: MemberReference.optional(),
}).meta({ id: "Activity" });
export type Activity = z.output<typeof Activity>;
