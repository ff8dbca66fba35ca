/** What a bulk operation is asked: which records, and what to do with all of them. */
import * as z from "zod";
import { recordId } from "../fields.ts";
import type { Listing } from "../list/list.ts";
import { type Filter, isFilter, type Parameters, parseListQuery } from "../list/parse.ts";
import { Problem } from "../problem.ts";

export const MAXIMUM_RECORDS = 1_000;

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export interface BulkInput {
  ids?: number[];
  filter?: Record<string, z.output<typeof value> | z.output<typeof value>[]>;
  set?: object;
  add_tags?: number[];
  remove_tags?: number[];
  delete?: true;
  partial?: boolean;
  dry_run?: boolean;
}

const tagIds = z.array(recordId).min(1).max(100).optional();

/** The schema of a bulk input; `patch` is that of changing one record, `tagged` says that it has tags. */
export function bulkInput(
  id: string,
  listing: Listing,
  patch: z.ZodObject,
  { tagged = false }: { tagged?: boolean } = {},
): z.ZodType<BulkInput> {
  const fields = {
    ids: z.array(recordId).min(1, "Name at least one record.").max(MAXIMUM_RECORDS).optional(),
    filter: z.record(z.string(), z.union([value, z.array(value).min(1)])).optional()
      .describe("As in the list: `field`, `field@op` or `q`; null is is.null."),
    set: patch.optional().describe("Absent fields stay; null clears."),
    delete: z.literal(true).optional(),
    partial: z.boolean().optional()
      .describe("Do what can be done, and answer 207 with an outcome for each record."),
    dry_run: z.boolean().optional(),
  };
  const schema: z.ZodType<BulkInput> = tagged
    ? z.strictObject({ ...fields, add_tags: tagIds, remove_tags: tagIds })
    : z.strictObject(fields);
  return schema.superRefine((input, context) => {
    for (const [path, message] of faults(input, listing)) {
      context.addIssue({ code: "custom", path, message });
    }
  }).meta({ id });
}

function faults(input: BulkInput, listing: Listing): [string[], string][] {
  const { ids, filter, set, add_tags, remove_tags } = input;
  const changes = { ...set, ...(add_tags && { add_tags }), ...(remove_tags && { remove_tags }) };
  const isChange = Object.keys(changes).length > 0;
  const found: [string[], string][] = [];
  if ((ids === undefined) === (filter === undefined)) found.push([["ids"], "Use ids or filter."]);
  if (filter && Object.keys(filter).length === 0) {
    found.push([
      ["filter"],
      "Name at least one condition: an empty filter would match everything.",
    ]);
  }
  for (const name of Object.keys(filter ?? {})) {
    if (!isFilter(name, listing.offer)) found.push([["filter", name], "This filter is not known."]);
  }
  if (isChange === (input.delete === true)) {
    found.push([["set"], "Say what to change, or delete: one of the two."]);
  }
  if (set && "tags" in set && (add_tags || remove_tags)) {
    found.push([["add_tags"], "Leave it out when `set` holds the tags."]);
  }
  return found;
}

/** The filter as the list understands it. @throws Problem `validation_failed` naming the condition. */
export function parseFilter(filter: NonNullable<BulkInput["filter"]>, listing: Listing): Filter {
  const parameters: Parameters = {};
  for (const [name, given] of Object.entries(filter)) {
    const texts = [given].flat().map((item) => item === null ? "is.null" : String(item));
    parameters[name] = texts.length === 1 ? texts[0] ?? "" : texts;
  }
  try {
    return parseListQuery(parameters, listing.offer);
  } catch (error) {
    throw inBody(error);
  }
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
