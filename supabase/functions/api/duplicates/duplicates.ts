/**
 * The operations on duplicates: pairs of records that may be the same, and pairs that a member
 * dismissed. The database finds the pairs (`…_duplicates.sql` in the migrations); `docs/duplicates.md`
 * describes scores and reasons.
 */
import { idParams, nothing } from "../../_shared/fields.ts";
import {
  JsonText,
  type Operation,
  read,
  saga,
  type SagaContext,
  write,
} from "../../_shared/operation.ts";
import { getRecord } from "../../_shared/records/records.ts";
import type { DuplicateKind } from "./kinds.ts";
import { dismiss, findCandidates, listPairs, undismiss } from "./queries.ts";
import { answersOf, Dismissal, filtersOf, pageQueryOf, PairInput, PairQuery } from "./schema.ts";

/** Returns the operations on duplicates of one kind. They come before `get`, whose path matches theirs. */
export function duplicates(kind: DuplicateKind): Operation[] {
  return [pairs(kind), ofOne(kind), dismissPair(kind), undismissPair(kind)];
}

function pairs(kind: DuplicateKind): Operation {
  const { table } = kind.of;
  return saga({
    id: `${table}.duplicates`,
    method: "GET",
    path: `/${table}/duplicates`,
    summary: `List pairs of ${table} that may be the same`,
    description:
      "Best first. When more than 20 records share a value, each of them is compared with the oldest " +
      "one only. Further pages show the pairs as the second one found them, for up to ten minutes.",
    access: "member",
    query: pageQueryOf(kind),
    output: answersOf(kind).page,
    problems: ["invalid_cursor"],
    run: ({ transaction }: SagaContext, { query }) =>
      transaction((sql) => listPairs(sql, kind, query), { repeatable: true }),
  });
}

function ofOne(kind: DuplicateKind): Operation {
  const { table, title } = kind.of;
  return read({
    id: `${table}.duplicates_of`,
    method: "GET",
    path: `/${table}/:id/duplicates`,
    summary: `List the possible duplicates of ${title}`,
    description: "Best first, at most 100.",
    access: "member",
    params: idParams,
    query: filtersOf(kind),
    output: answersOf(kind).candidates,
    problems: ["deleted", "merged"],
    run: async ({ sql }, { params, query }) => {
      await getRecord(sql, kind.of, params.id);
      const found = await findCandidates(sql, kind, params.id, query);
      return new JsonText(`{"data":[${found.join(",")}]}`);
    },
  });
}

function dismissPair(kind: DuplicateKind): Operation {
  const { table } = kind.of;
  return write({
    id: `${table}.dismiss_duplicate`,
    method: "POST",
    path: `/${table}/duplicates/dismiss`,
    summary: `Dismiss a pair of ${table} that are not the same`,
    description:
      "For all members. After a merge of one of them, the dismissal applies to the winner. A repeated " +
      "request returns the first dismissal.",
    access: "member",
    body: PairInput,
    example: { ids: [1, 2] },
    output: Dismissal,
    problems: ["not_found", "deleted", "merged"],
    run: ({ sql }, { body }) => dismiss(sql, kind, body),
  });
}

function undismissPair(kind: DuplicateKind): Operation {
  const { table } = kind.of;
  return write({
    id: `${table}.undismiss_duplicate`,
    method: "DELETE",
    path: `/${table}/duplicates/dismiss`,
    summary: `Take back that a pair of ${table} was dismissed`,
    description: "A repeated request succeeds.",
    access: "member",
    query: PairQuery,
    queryExample: { ids: "1,2" },
    output: nothing,
    status: 204,
    run: ({ sql }, { query }) => undismiss(sql, kind, query.ids),
  });
}
