/** Wire shapes of the activity: rows of the audit log, as the view `activity` shows them. */
import * as z from "zod";
import { recordId } from "../../_shared/fields.ts";
import { activity } from "../../_shared/schema.ts";

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
    .describe("The changed fields; empty once the record has been deleted for good."),
  member_id: recordId.nullable().describe("Who did it; null for scripts with the secret key."),
  user_id: z.uuid().nullable(),
  created_at: z.string(),
  member: z.object({ id: recordId, first_name: z.string(), last_name: z.string() }).nullable()
    .optional(),
}).meta({ id: "Activity" });
export type Activity = z.output<typeof Activity>;
