/** Input of bulk operations: the records, and the change of all of them. */
import * as z from "zod";
import type { Fragment, Sql } from "../database/database.ts";
import { dryRun, recordId, schemaName } from "../fields.ts";
import { type Filter, isFilter, type Listing } from "../list/list.ts";
import { Problem } from "../problem.ts";

/** Maximum number of records per request. */
export const MAXIMUM_RECORDS = 1_000;

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** The body of a bulk operation. */
export interface BulkInput {
  ids?: number[];
  filter?: Record<string, z.output<typeof value> | z.output<typeof value>[]>;
  all?: true;
  set?: Record<string, unknown>;
  delete?: true;
  partial?: boolean;
  dry_run?: boolean;
  /** Fields of a `BulkChange`. */
  [field: string]: unknown;
}

/** A change that the bulk operation of one resource has beside `set`. */
export interface BulkChange {
  /** Fields of the input. All must be optional. */
  fields: Record<string, z.ZodType>;
  /** The changed column. `set` may not contain it at the same time. */
  column: string;
  /** Returns the assignment `column = …`, or undefined when the input has none of the fields. */
  assignment(sql: Sql, input: BulkInput): Fragment | undefined;
}

/** The resource of a bulk operation. */
interface BulkTarget {
  table: string;
  name: string;
  list: Listing;
  patch: z.ZodObject;
}

/** Returns the schema of a bulk operation's body. */
export function bulkInput(target: BulkTarget, changes?: BulkChange): z.ZodType<BulkInput> {
  const { name, list, patch } = target;
  const id = `${schemaName(name)}BulkInput`;
  return z.strictObject({
    ids: z.array(recordId).min(1, "Name at least one record.").max(MAXIMUM_RECORDS).optional(),
    filter: z.record(z.string(), z.union([value, z.array(value).min(1)])).optional()
      .describe("Filters of the list: `field`, `field@op` or `q`. null means `is.null`."),
    all: z.literal(true).optional().describe("Selects all records, instead of `ids` or `filter`."),
    set: patch.optional().describe("Omitted fields keep their value; `null` clears."),
    delete: z.literal(true).optional(),
    partial: z.boolean().optional()
      .describe("Skips refused records. The answer is 207 with one outcome per record."),
    dry_run: dryRun,
    ...changes?.fields,
  }).superRefine((input: BulkInput, context) => {
    for (const [path, message] of errorsOf(input, list, changes)) {
      context.addIssue({ code: "custom", path, message });
    }
  }).meta({ id, title: "Change or delete selected records" });
}

/**
 * Returns the schema of a body that has one of two forms. The field `records` tells them apart, so
 * that the errors are those of the form that the caller means.
 */
export function oneOfForms<Selected, Records>(
  selected: z.ZodType<Selected>,
  records: z.ZodType<Records>,
): z.ZodType<Selected | Records> {
  return z.unknown().transform((value, context): Selected | Records => {
    const isRecords = typeof value === "object" && value !== null && "records" in value;
    const result = isRecords ? records.safeParse(value) : selected.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    }
    return z.NEVER;
  });
}

type FieldError = [path: string[], message: string];

function errorsOf(input: BulkInput, list: Listing, changes: BulkChange | undefined): FieldError[] {
  return [...selectionErrors(input, list), ...changeErrors(input, changes)];
}

function selectionErrors({ ids, filter, all }: BulkInput, list: Listing): FieldError[] {
  const found: FieldError[] = [];
  if ([ids, filter, all].filter((selection) => selection !== undefined).length !== 1) {
    found.push([["ids"], "Use one of records, ids, filter and all."]);
  }
  for (const name of Object.keys(filter ?? {})) {
    if (!isFilter(name, list.parameters)) {
      found.push([["filter", name], "This filter is not known."]);
    }
  }
  return found;
}

function changeErrors(input: BulkInput, changes: BulkChange | undefined): FieldError[] {
  const { set = {} } = input;
  const further = Object.keys(changes?.fields ?? {}).filter((name) => input[name] !== undefined);
  const isChange = Object.keys(set).length + further.length > 0;
  const found: FieldError[] = [];
  if (isChange === (input.delete === true)) {
    found.push([["set"], "Use either set or delete."]);
  }
  if (changes && changes.column in set) {
    const message = `Remove it, or remove ${changes.column} from \`set\`.`;
    found.push(...further.map((name): FieldError => [[name], message]));
  }
  return found;
}

/**
 * Parses the filter of a bulk operation as the list's parameters.
 * @throws Problem `validation_failed` with the names of invalid conditions.
 */
export function parseFilter(filter: NonNullable<BulkInput["filter"]>, list: Listing): Filter {
  const parameters: Record<string, string | string[]> = {};
  for (const [name, given] of Object.entries(filter)) {
    const texts = [given].flat().map((item) => item === null ? "is.null" : String(item));
    parameters[name] = texts.length === 1 ? texts[0] ?? "" : texts;
  }
  try {
    const parsed = list.parse(parameters);
    if (list.isLimited(parsed)) return parsed;
  } catch (error) {
    throw asBodyProblem(error);
  }
  const detail = "Name at least one condition, or send `all: true` for all records.";
  throw new Problem("validation_failed", detail, { errors: { filter: detail } });
}

/** Turns `invalid_parameter` of a list into `validation_failed` of the body's filter. */
export function asBodyProblem(error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== "invalid_parameter") return error;
  const errors = Object.entries(error.errors ?? { filter: error.detail })
    .map(([name, detail]) => [name === "filter" ? name : `filter.${name}`, detail]);
  return new Problem("validation_failed", error.detail, {
    errors: Object.fromEntries(errors),
    cause: error,
  });
}
