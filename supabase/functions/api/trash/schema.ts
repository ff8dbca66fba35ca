/** The schemas of the trash. */
import * as z from "zod";
import { idText, includeQuery, numberText, recordId } from "../../_shared/fields.ts";
import { DEFAULT_LIMIT, MAXIMUM_LIMIT } from "../../_shared/list/list.ts";
import { MemberReference } from "../users/schema.ts";

const tableName = z.enum([
  "companies",
  "contacts",
  "contact_notes",
  "deals",
  "deal_notes",
  "tasks",
  "tags",
  "contact_dismissals",
  "company_dismissals",
]);
const reason = z.enum(["deleted", "merged"]);

const rowCounts = z.record(z.string(), z.int());

export const TrashItem = z.object({
  id: recordId,
  table_name: tableName,
  record_id: recordId,
  label: z.string().describe("The record's name, or the beginning of its text."),
  reason: reason.describe("`merged` records cannot be restored."),
  merged_into: recordId.nullable(),
  deleted_by: recordId.nullable().describe(
    "The member who deleted it; `null` for a script with the secret key.",
  ),
  deleted_at: z.string(),
  taken_along: rowCounts.describe(
    "Number of rows that the cascade deleted, by table. Restoring brings them back.",
  ),
  member: MemberReference.optional(),
}).meta({ id: "TrashItem" });

export const TrashPage = z.object({
  data: z.array(TrashItem),
  next_cursor: z.string().nullable(),
});

export const TrashQuery = z.object({
  table_name: tableName.optional().describe("Items of this table only."),
  reason: reason.optional().describe("Items that went to the trash for this reason only."),
  deleted_by: idText.optional().describe("Items that this member deleted only."),
  limit: numberText(z.int().min(1).max(MAXIMUM_LIMIT)).default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
  include: includeQuery(["member"]).shape.include,
});
export type TrashQuery = z.output<typeof TrashQuery>;

export const Restored = z.object({
  table_name: tableName,
  record_id: recordId,
  restored: rowCounts.describe("Number of restored rows, by table."),
}).meta({ id: "Restored" });
export type Restored = z.output<typeof Restored>;

export const Purged = z.object({
  purged: rowCounts.describe("Number of purged rows, by table."),
  complete: z.boolean().describe("Whether the trash is empty. `false`: send the request again."),
}).meta({ id: "Purged" });
export type Purged = z.output<typeof Purged>;
