/** The schemas of bulks with records: the body, and one outcome for each record. */
import * as z from "zod";
import { fieldErrors } from "../../_shared/fieldErrors.ts";
import { dryRun, recordId, schemaName } from "../../_shared/fields.ts";
import type { Resource } from "../../_shared/records/records.ts";

/** Maximum number of records per request. */
const MAXIMUM_RECORDS = 1_000;

export const ON_CONFLICT = ["refuse", "update", "merge", "skip", "create"] as const;

/** A key by which a record without an id is found. */
export type Key = "external_id" | "email" | "name";

/** A record that breaks a rule of its schema: field → what to do. A record that is no object: "". */
export class InvalidRecord {
  constructor(readonly errors: Record<string, string>) {}
}

/** A valid record of a body. The field `id` names a record that exists. */
export type GivenRecord = Record<string, unknown> & { id?: number };

/** A body with records. */
export interface RecordsInput {
  records: (GivenRecord | InvalidRecord)[];
  on_conflict: (typeof ON_CONFLICT)[number];
  match_on?: (Key | "id")[];
  partial?: boolean;
  dry_run?: boolean;
}

/** Returns the schema of a body with records, which are found by these keys. */
export function recordsInput(
  { name, patch }: Pick<Resource, "name" | "patch">,
  keys: readonly Key[],
  byDefault: readonly Key[],
): z.ZodType<RecordsInput> {
  const id = `${schemaName(name)}RecordsInput`;
  const given = patch.extend({
    id: recordId.optional().describe("Id of the record to change. A new record has none."),
  }).meta({ id: `${schemaName(name)}Record` });
  const input = z.strictObject({
    records: z.array(orInvalid(given)).min(1, "Send at least one record.").max(MAXIMUM_RECORDS)
      .describe("The records, with the fields of a single one."),
    on_conflict: z.enum(ON_CONFLICT).default("refuse").describe(
      "What happens to a record that exists. `refuse`: it is rejected. `update`: its fields are " +
        "replaced by those that are sent; `null` clears. `merge`: its empty fields are filled. " +
        "`skip`: it stays as it was. `create`: a new record is made all the same. In `update` and " +
        "`merge` the elements of lists are added.",
    ),
    match_on: z.array(z.enum(["id", ...keys])).max(keys.length + 1).optional()
      .describe(
        "By what an existing record is found, when the record has no `id`: " +
          `${keys.map((key) => KEYS[key]).join(", ")}. Default: ${byDefault.join(", ")}.`,
      ),
    partial: z.boolean().optional()
      .describe("Skips rejected records. The answer is 207 with one outcome per record."),
    dry_run: dryRun,
  });
  return input.meta({ id, title: "Create or change records" });
}

const KEYS: Record<Key, string> = {
  external_id: "`external_id` (one of its `external_ids`)",
  email: "`email` (one of its addresses)",
  name: "`name` (without case)",
};

/** Lets a record that is not valid pass as `InvalidRecord`, because it may not concern the others. */
function orInvalid(given: z.ZodObject): z.ZodType<GivenRecord | InvalidRecord> {
  // JSON Schema would show a default. It is asked for without an error.
  const invalid = (context?: { error: z.core.$ZodCatchCtx["error"] }) =>
    context && new InvalidRecord(fieldErrors(context.error.issues, ""));
  return given.catch(invalid as never);
}

export const RecordOutcome = z.object({
  index: z.int().describe("Position of the record in the request, from 0."),
  outcome: z.enum(["created", "updated", "skipped", "rejected"]).describe(
    "`skipped`: the record exists and stays as it was.",
  ),
  status: z.int().describe("The status that the operation on this single record would have."),
  id: recordId.nullable().describe(
    "Id of the record. `null` when there is none, or when it was created in a dry run.",
  ),
  code: z.string().optional().describe("The code of the problem when it was rejected."),
  detail: z.string().optional().describe("What to do when it was rejected."),
  errors: z.record(z.string(), z.string()).optional()
    .describe("Field → what to do when it was rejected."),
}).meta({ id: "RecordOutcome" });
export type RecordOutcome = z.output<typeof RecordOutcome>;

export const BulkRecordsResult = z.object({
  data: z.array(RecordOutcome),
  counts: z.object({
    requested: z.int().describe("Number of records."),
    created: z.int().describe("Records that were created."),
    updated: z.int().describe("Records that were changed."),
    skipped: z.int().describe("Records that stay as they were."),
    rejected: z.int().describe("Records that broke a rule."),
  }),
  dry_run: z.boolean(),
}).meta({ id: "BulkRecordsResult", title: "Outcomes of sent records" });
