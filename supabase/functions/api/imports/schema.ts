/** The schemas of imports. */
import * as z from "zod";
import { dryRun, recordId } from "../../_shared/fields.ts";
import { onConflict } from "../changes/schema.ts";
import { DATE_FORMATS } from "./dates.ts";
import { RECORD_TYPES } from "./fields.ts";

/** Bytes of a file in the request itself. */
export const MAXIMUM_INLINE = 1_000_000;
/** Bytes of an uploaded file. The bucket has the same limit. */
export const MAXIMUM_SIZE = 52_428_800;
/** Columns of a file. */
export const MAXIMUM_COLUMNS = 500;

export const FORMATS = ["csv", "ndjson", "xlsx", "vcard"] as const;
const POLICIES = ["create", "update", "skip", "merge"] as const;
const KEYS = ["id", "external_id", "email", "name"] as const;
const STATES = [
  "awaiting_upload",
  "incomplete",
  "ready",
  "checking",
  "running",
  "completed",
  "failed",
  "cancelled",
  "undoing",
  "undone",
] as const;

const dateFormat = z.enum(DATE_FORMATS);

const options = {
  source: z.string().trim().min(1).max(100).describe(
    "The system that the ids in the file come from, for `external_ids`.",
  ),
  policy: z.enum(POLICIES).describe(
    "What happens to a row whose record exists. `merge`: empty fields are filled. `update`: fields " +
      "with a value in the file are replaced. `skip`: the record stays. `create`: the row becomes a " +
      "new record. Addresses, numbers and tags are added in `merge` and `update`.",
  ),
  match_on: z.array(z.enum(KEYS)).max(KEYS.length).describe(
    "By what an existing record is found: `external_id`, `email` (contacts), `name` (companies, " +
      "deals), `id`. Without `id` in this list an id counts only for a record with the same name or " +
      "address, because other systems have ids too.",
  ),
  all_or_nothing: z.boolean().describe(
    "Whether one rejected row rejects the whole file. The file is checked first.",
  ),
};

const content = z.string().min(1, "Use the file's text.");

export const ImportInput = z.strictObject({
  record_type: z.enum(RECORD_TYPES).describe("What the rows become."),
  file_name: z.string().trim().min(1).max(255).optional(),
  format: z.enum(FORMATS).optional().describe(
    "Without it, the first bytes of the file decide. A file of another format is refused.",
  ),
  content: content.optional().describe("The text of a CSV, NDJSON or vCard file of at most 1 MB."),
  content_base64: content.optional().describe(
    "The bytes of a file of at most 1 MB, in any encoding, or of an XLSX file.",
  ),
  source: options.source.default("import"),
  policy: options.policy.default("merge"),
  match_on: options.match_on.optional(),
  all_or_nothing: options.all_or_nothing.default(false),
}).meta({ id: "ImportInput" });
export type ImportInput = z.output<typeof ImportInput>;

const mappedColumn = {
  column: z.string().max(1_000).describe("Header of the column."),
  field: z.string().max(100).nullable().describe("`null`: the column is left out."),
  date_format: dateFormat.nullable().describe("Which part of 03/04/2026 is the day."),
};

export const ImportPatch = z.strictObject({
  columns: z.array(
    z.strictObject({
      column: mappedColumn.column,
      field: mappedColumn.field.optional(),
      date_format: mappedColumn.date_format.optional(),
    }),
  ).max(MAXIMUM_COLUMNS).optional().describe("The columns to change. The others stay."),
  source: options.source.optional(),
  policy: options.policy.optional(),
  match_on: options.match_on.optional(),
  all_or_nothing: options.all_or_nothing.optional(),
}).meta({ id: "ImportPatch" });
export type ImportPatch = z.output<typeof ImportPatch>;

const Column = z.object({
  ...mappedColumn,
  samples: z.array(z.string()).describe("The first values of the column."),
  needs: z.enum(["date_format"]).nullable().describe("What the column lacks before the run."),
});
export type Column = z.output<typeof Column>;

const row = {
  id: z.uuid(),
  member_id: recordId.describe("The member who made the import."),
  record_type: z.enum(RECORD_TYPES),
  file_name: z.string().nullable(),
  format: z.enum(FORMATS).nullable().describe(
    "`null` until the file is there, unless it was named.",
  ),
  state: z.enum(STATES),
  ...options,
  size: z.int().nullable().describe("Bytes of the file."),
  position: z.int().describe("Bytes that are imported."),
  row_count: z.int().describe("Rows that are read."),
  created_count: z.int(),
  updated_count: z.int(),
  skipped_count: z.int().describe("Rows whose record stayed as it was."),
  rejected_count: z.int(),
  dry_run: z.boolean().describe("Whether the last run changed nothing."),
  error: z.string().nullable().describe("Why the import failed."),
  created_at: z.string(),
  updated_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
};

/** An import in a list. */
export const ImportSummary = z.object(row).meta({ id: "ImportSummary" });

export const Import = z.object({
  ...row,
  columns: z.array(Column),
  missing: z.array(z.string()).describe("Fields of which one needs a column before the run."),
  upload: z.object({
    upload_url: z.string().describe("PUT the file to this URL."),
    token: z.string().describe("Token of the upload, for `uploadToSignedUrl` of supabase-js."),
    max_size: z.int().describe("Bytes that the file may have at most."),
  }).optional().describe("For a file that was not sent: where to upload it."),
}).meta({ id: "Import" });
export type Import = z.output<typeof Import>;

export const RunInput = z.strictObject({ dry_run: dryRun }).prefault({}).meta({ id: "RunInput" });

export const ImportUndoInput = z.strictObject({ on_conflict: onConflict }).prefault({})
  .meta({ id: "ImportUndoInput" });

export const ImportUndone = z.object({
  undone: z.int().describe("Number of changes that were undone."),
  complete: z.boolean().describe("Whether nothing is left to undo. `false`: send it again."),
}).meta({ id: "ImportUndone" });
