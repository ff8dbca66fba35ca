/** The schemas of changes: one for each transaction that changed records. */
import * as z from "zod";
import { dryRun, recordId } from "../../_shared/fields.ts";
import { changes } from "../../_shared/schema.ts";
import { Activity } from "../activity/schema.ts";
import { MemberReference } from "../users/schema.ts";

const rowCounts = z.record(z.string(), z.int());

export const Change = z.object({
  id: z.uuid(),
  operation: changes.row.operation.describe(
    "The operation. `null` when the change did not come through this API.",
  ),
  member_id: recordId.nullable().describe("The member. `null` for a script with the secret key."),
  user_id: z.uuid().nullable(),
  request_id: changes.row.request_id,
  touched: rowCounts.describe("Number of entries in the activity, by table."),
  undoes: z.uuid().nullable().describe("The change that this change undid."),
  undone_by: z.uuid().nullable().describe("The change that undid this one."),
  import_id: z.uuid().nullable().describe("The import that the change belongs to."),
  created_at: z.string(),
  member: MemberReference.optional(),
}).meta({ id: "Change" });

export const ChangeWithRecords = Change.extend({
  records: z.object({
    data: z.array(Activity),
    next_cursor: z.string().nullable().describe("For `GET /changes/{id}/records`."),
  }),
}).meta({ id: "ChangeWithRecords" });

const REASONS = {
  changed_since: "the field has another value now",
  deleted_since: "the record was deleted or merged since",
  has_later_records: "other records refer to the record since",
  parent_deleted: "the record's parent does not exist",
  reference_deleted: "the former value refers to a record that does not exist",
  purged: "the record was deleted permanently",
  account: "the field belongs to the user's account",
} as const;

const Conflict = z.object({
  table_name: z.string(),
  record_id: recordId,
  field: z.string().nullable().describe("`null`: the whole record."),
  reason: z.enum(Object.keys(REASONS)).describe(
    Object.entries(REASONS).map(([reason, text]) => `\`${reason}\`: ${text}`).join("; ") + ".",
  ),
  before: z.unknown().describe("The value before the change."),
  after: z.unknown().describe("The value after the change."),
  current: z.unknown().describe("The value now."),
  changed_by: z.uuid().nullable().describe("The later change."),
}).meta({ id: "UndoConflict" });
export type Conflict = z.output<typeof Conflict>;

export const onConflict = z.enum(["refuse", "keep", "revert"]).default("refuse").describe(
  "What happens to fields and records that changed since. `refuse`: nothing is undone. `keep`: " +
    "they stay as they are now. `revert`: they return to the values before the change.",
);

export const UndoInput = z.strictObject({ on_conflict: onConflict, dry_run: dryRun }).prefault({})
  .meta({ id: "UndoInput" });
export type UndoInput = z.output<typeof UndoInput>;

export const Undone = z.object({
  change_id: z.uuid().nullable().describe(
    "The change that the undo made. `null` in a dry run, and when nothing had to be changed.",
  ),
  restored: rowCounts.describe("Number of records that came back from the trash, by table."),
  changed: rowCounts.describe("Number of records whose fields returned, by table."),
  deleted: rowCounts.describe("Number of records that moved to the trash, by table."),
  kept: z.array(Conflict).describe('The conflicts that `on_conflict: "keep"` left as they are.'),
  dry_run: z.boolean(),
}).meta({ id: "Undone" });
export type Undone = z.output<typeof Undone>;
