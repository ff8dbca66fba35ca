/** What a bulk operation takes: which records, and what to do with all of them. */
import * as z from "zod";
import type { Fragment, Sql } from "../database/database.ts";
import { dryRun, recordId } from "../fields.ts";
import { type Filter, isFilter, type Listing } from "../list/list.ts";
import { Problem } from "../problem.ts";

/** Records of one request. */
export const MAXIMUM_RECORDS = 1_000;

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

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

/** A change of a resource's own that a bulk offers beside `set`. */
export interface BulkChange {
  /** Fields of the input, all optional. */
  fields: Record<string, z.ZodType>;
  /** Column that it sets: `set` may not name it at the same time. */
  column: string;
  /** The assignment `column = …` for these values; undefined when the input asks for no such change. */
  assignment(sql: Sql, input: BulkInput): Fragment | undefined;
}

/** The resource that a bulk is about. */
interface BulkTarget {
  table: string;
  name: string;
  list: Listing;
  patch: z.ZodObject;
}

/** The schema of a bulk input. */
export function bulkInput(target: BulkTarget, changes?: BulkChange): z.ZodType<BulkInput> {
  const { name, list, patch } = target;
  const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}BulkInput`;
  return z.strictObject({
    ids: z.array(recordId).min(1, "Name at least one record.").max(MAXIMUM_RECORDS).optional(),
    filter: z.record(z.string(), z.union([value, z.array(value).min(1)])).optional()
      .describe("As in the list: `field`, `field@op` or `q`; null means is.null."),
    all: z.literal(true).optional().describe("All records, instead of `ids` or `filter`."),
    set: patch.optional().describe("Omitted fields keep their value; `null` clears."),
    delete: z.literal(true).optional(),
    partial: z.boolean().optional()
      .describe("Skip the records that are refused; the answer is 207 with an outcome for each."),
    dry_run: dryRun,
    ...changes?.fields,
  }).superRefine((input: BulkInput, context) => {
    for (const [path, message] of faults(input, list, changes)) {
      context.addIssue({ code: "custom", path, message });
    }
  }).meta({ id });
}

type Fault = [path: string[], message: string];

function faults(input: BulkInput, list: Listing, changes: BulkChange | undefined): Fault[] {
  return [...selectionFaults(input, list), ...changeFaults(input, changes)];
}

function selectionFaults({ ids, filter, all }: BulkInput, list: Listing): Fault[] {
  const found: Fault[] = [];
  if ([ids, filter, all].filter((selection) => selection !== undefined).length !== 1) {
    found.push([["ids"], "Use one of ids, filter and all."]);
  }
  for (const name of Object.keys(filter ?? {})) {
    if (!isFilter(name, list.parameters)) {
      found.push([["filter", name], "This filter is not known."]);
    }
  }
  return found;
}

function changeFaults(input: BulkInput, changes: BulkChange | undefined): Fault[] {
  const { set = {} } = input;
  const further = Object.keys(changes?.fields ?? {}).filter((name) => input[name] !== undefined);
  const isChange = Object.keys(set).length + further.length > 0;
  const found: Fault[] = [];
  if (isChange === (input.delete === true)) {
    found.push([["set"], "Use set or delete, one of the two."]);
  }
  if (changes && changes.column in set) {
    const message = `Leave it out when \`set\` holds ${changes.column}.`;
    found.push(...further.map((name): Fault => [[name], message]));
  }
  return found;
}

/** The filter as the list understands it. @throws Problem `validation_failed` naming the condition. */
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
    throw inBody(error);
  }
  const detail = "Name at least one condition, or send `all: true` for all records.";
  throw new Problem("validation_failed", detail, { errors: { filter: detail } });
}

/** What a list says about its parameters, said about the body's filter. */
export function inBody(error: unknown): unknown {
  if (!(error instanceof Problem) || error.code !== "invalid_parameter") return error;
  const errors = Object.entries(error.errors ?? { filter: error.detail })
    .map(([name, detail]) => [name === "filter" ? name : `filter.${name}`, detail]);
  return new Problem("validation_failed", error.detail, {
    errors: Object.fromEntries(errors),
    cause: error,
  });
}
