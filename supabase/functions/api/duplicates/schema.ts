/** The schemas of duplicates: pairs of records with a score and reasons. */
import * as z from "zod";
import {
  arrayText,
  booleanText,
  idText,
  numberText,
  recordId,
  schemaName,
  shortText,
} from "../../_shared/fields.ts";
import { DEFAULT_LIMIT } from "../../_shared/list/list.ts";
import type { DuplicateKind } from "./kinds.ts";

/** Pairs of one page at most. */
const MAXIMUM_PAIRS = 5_000;

/** From this score on, a new record counts as a duplicate. */
export const LIKELY = 0.5;

const dismissed = z.object({
  member_id: recordId.nullable().describe("The member. `null` for a script with the secret key."),
  dismissed_at: z.string(),
}).nullable().describe(
  "Who dismissed the pair, and when. `null` for a pair that was not dismissed.",
);

/** Returns the schemas of the answers about one kind of records. */
export function answersOf({ of, reasons, shown }: DuplicateKind) {
  const name = schemaName(of.name);
  const match = {
    score: z.number().min(0).max(1).describe("How likely both are the same, from 0 to 1."),
    reasons: z.array(z.enum(reasons)),
    dismissed,
  };
  const candidate = z.object({ record: shown.record, ...match }).meta({ id: `${name}Duplicate` });
  const pair = z.object({ records: z.array(shown.record).length(2), ...match })
    .meta({ id: `${name}DuplicatePair` });
  return {
    candidate,
    candidates: z.object({ data: z.array(candidate) }),
    page: z.object({ data: z.array(pair), next_cursor: z.string().nullable() }),
  };
}

/** Returns the query parameters that limit duplicates. */
export function filtersOf({ reasons }: DuplicateKind) {
  return z.object({
    min_score: numberText(z.number().min(0).max(1), /^\d(\.\d{1,6})?$/).default(0)
      .describe("Only pairs with at least this score."),
    reason: arrayText(z.array(z.enum(reasons)).min(1)).optional()
      .describe("Only pairs with one of these reasons, with commas between them."),
    dismissed: booleanText.default(false)
      .describe("`true`: the dismissed pairs instead of the others."),
  });
}
export interface DuplicateFilters {
  min_score: number;
  reason?: string[];
  dismissed: boolean;
}

/** Returns the query parameters of a page of pairs. */
export function pageQueryOf(kind: DuplicateKind) {
  return filtersOf(kind).extend({
    limit: numberText(z.int().min(1).max(MAXIMUM_PAIRS)).default(DEFAULT_LIMIT)
      .describe("Maximum number of pairs on a page."),
    cursor: z.string().optional(),
  });
}
export interface PageQuery extends DuplicateFilters {
  limit: number;
  cursor?: string;
}

const DIFFERENT = "Use the ids of two different records.";
const areTwo = (ids: number[]) => ids.length === 2 && ids[0] !== ids[1];

export const PairInput = z.strictObject({
  ids: z.array(recordId).length(2).refine(areTwo, DIFFERENT)
    .describe("The ids of two records that are not the same."),
  note: shortText.describe("Why they are not the same."),
}).meta({ id: "PairInput" });

export const PairQuery = z.object({
  ids: arrayText(z.array(idText).length(2).refine(areTwo, DIFFERENT))
    .describe("The ids of the two records, with a comma between them."),
});

export const Dismissal = z.object({
  id: recordId,
  ids: z.array(recordId),
  note: z.string().nullable(),
  dismissed_by: recordId.nullable(),
  created_at: z.string(),
}).meta({ id: "Dismissal" });
export type Dismissal = z.output<typeof Dismissal>;

export const OnDuplicateQuery = z.object({
  on_duplicate: z.enum(["allow", "warn", "reject"]).default("allow").describe(
    `What happens when a similar record exists, with a score of at least ${LIKELY}. \`allow\`: the ` +
      "record is created. `warn`: it is created, and `duplicates` of the answer has the similar " +
      "ones. `reject`: nothing is created, and the answer is 409 with the similar ones.",
  ),
});
