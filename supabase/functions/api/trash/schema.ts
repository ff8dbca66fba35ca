/** Wire shapes of the trash. */
import * as z from "zod";
import { idParams, includeQuery, recordId } from "../../_shared/fields.ts";
import { DEFAULT_LIMIT, MAXIMUM_LIMIT } from "../../_shared/list/list.ts";

const tableName = z.enum([
  "companies",
  "contacts",
  "contact_notes",
  "deals",
  "deal_notes",
  "tasks",
  "tags",
]);
const reason = z.enum(["deleted", "merged"]);

export const rowCounts = z.record(z.string(), z.int());

export const TrashItem = z.object({
  id: recordId,
  table_name: tableName,
  record_id: recordId,
  label: z.string().describe("The record's name, or how its text begins."),
  reason: reason.describe("What was merged cannot be restored."),
  merged_into: recordId.nullable(),
  deleted_by: recordId.nullable().describe("Null for scripts with the secret key."),
  deleted_at: z.string(),
  taken_along: rowCounts.describe("Rows that went along, and come back with it, by table."),
  member: z.object({ id: recordId, first_name: z.string(), last_name: z.string() }).nullable()
    .optional(),
}).meta({ id: "TrashItem" });

export const TrashPage = z.object({
  data: z.array(TrashItem),
  next_cursor: z.string().nullable(),
});

export const TrashQuery = z.object({
  table_name: tableName.optional(),
  reason: reason.optional(),
  deleted_by: idParams.shape.id.optional(),
  limit: z.preprocess(
    (value) => typeof value === "string" && /^\d{1,4}$/.test(value) ? Number(value) : value,
    z.int().min(1).max(MAXIMUM_LIMIT),
  ).default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
  include: includeQuery(["member"]).shape.include,
});
export type TrashQuery = z.output<typeof TrashQuery>;

export const Restored = z.object({
  table_name: tableName,
  record_id: recordId,
  restored: rowCounts.describe("Rows that came back, by table."),
}).meta({ id: "Restored" });
export type Restored = z.output<typeof Restored>;

export const Purged = z.object({
  purged: rowCounts.describe("Rows that were deleted for good, by table."),
  complete: z.boolean().describe("False: more is left. Send the request again."),
}).meta({ id: "Purged" });
export type Purged = z.output<typeof Purged>;
