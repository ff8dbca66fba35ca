/**
 * Bulk operations: change or delete up to 1,000 records in one transaction, by one statement. All
 * records change or none, unless `partial` asks for one outcome per record. Then refused records
 * are found by bisection, with up to 50 refusals.
 */
import * as z from "zod";
import {
  commaSeparated,
  databaseProblem,
  type Fragment,
  isRetryable,
  type Sql,
} from "../database/database.ts";
import { recordId } from "../fields.ts";
import { Reply } from "../operation.ts";
import { Problem, type ProblemCode } from "../problem.ts";
import {
  asBodyProblem,
  type BulkChange,
  type BulkInput,
  MAXIMUM_RECORDS,
  parseFilter,
} from "./bulkInput.ts";
import { columnAssignments, missingRecords, notTheOwner, type StoredRecords } from "./record.ts";

/** The resource of a bulk operation. */
interface BulkTarget<Row> extends StoredRecords<Row> {
  owner?: string;
}

/** With more refusals the whole request fails. */
const MAXIMUM_REFUSALS = 50;

const Outcome = z.object({
  id: recordId,
  outcome: z.enum(["updated", "deleted", "not_found", "refused"]),
  status: z.int().describe("The status that the operation on this single record would have."),
  code: z.string().optional().describe("The code of the problem when it failed."),
});
type Outcome = z.output<typeof Outcome>;

export const BulkResult = z.object({
  data: z.array(Outcome),
  counts: z.object({ requested: z.int(), succeeded: z.int(), failed: z.int() }),
  dry_run: z.boolean(),
}).meta({ id: "BulkResult", title: "Outcomes of selected records" });

export const BULK_DESCRIPTION =
  "A body with `ids`, `filter` or `all` changes or deletes up to 1,000 records that exist, all in " +
  "the same way. A body with `records` creates up to 1,000 records, or changes those that exist: " +
  "`on_conflict` decides, and `match_on` says by what they are found. All records change or none. " +
  "With `partial` refused records are skipped, and the answer is 207 with one outcome per record. " +
  "With `dry_run` no record changes.";

/**
 * Runs a bulk operation, and returns its answer, with 207 when the input is partial.
 * @throws Problem `too_many_records`, `validation_failed` for the filter; `not_found`, `forbidden`,
 *   `owner_change_not_allowed` or a problem of the database when the input is not partial.
 */
export async function runBulk<Row>(
  sql: Sql,
  target: BulkTarget<Row>,
  input: BulkInput,
  changes?: BulkChange,
): Promise<Reply> {
  const ids = await requestedIds(sql, target, input);
  const locked = await lockRecords(sql, target, ids, input);
  const permitted = locked.filter((record) => record.permitted).map(({ id }) => id);
  const refused = locked.filter((record) => !record.permitted).map(({ id }) => id);
  const missing = ids.filter((id) => !locked.some((record) => record.id === id));
  const apply = changeOf(sql, target, input, changes);
  if (!input.partial) {
    requireAll(target, missing, refused, input);
    if (permitted.length > 0) await apply(permitted);
    return reply(ids, permitted.map((id) => success(id, input)), input);
  }
  const outcomes = [
    ...missing.map((id) => failure(id, "not_found")),
    ...refused.map((id) => failure(id, refusal(input))),
    ...await applyByBisection(sql, permitted, apply, input, { left: MAXIMUM_REFUSALS }),
  ];
  return reply(ids, outcomes, input);
}

async function requestedIds<Row>(
  sql: Sql,
  { list }: StoredRecords<Row>,
  { ids, filter = {}, all }: BulkInput,
): Promise<number[]> {
  if (ids) return [...new Set(ids)];
  const parsed = all ? list.parse({}) : parseFilter(filter, list);
  const matches = await list.matchingIds(sql, parsed, MAXIMUM_RECORDS).catch((error) => {
    throw asBodyProblem(error);
  });
  if (matches.count <= MAXIMUM_RECORDS) return matches.ids;
  const detail = `The filter matches ${matches.count} records. Narrow it to ${MAXIMUM_RECORDS}.`;
  throw new Problem("too_many_records", detail, {
    errors: { filter: detail },
    members: { count: matches.count, maximum: MAXIMUM_RECORDS },
  });
}

interface Locked {
  id: number;
  /** Whether row-level security and the trigger that guards owners allow the change. */
  permitted: boolean;
}

/** Locks the records in the order of their ids, so that two bulk operations cannot deadlock. */
async function lockRecords<Row>(
  sql: Sql,
  { table, owner }: BulkTarget<Row>,
  ids: number[],
  input: BulkInput,
): Promise<Locked[]> {
  return await sql<Locked[]>`
    select id::float8 as id, ${permittedSql(sql, input, owner)} as permitted
    from ${sql(table)}
    where id = any (${`{${ids.join(",")}}`}::text::bigint[])
    order by id
    for update`;
}

function permittedSql(
  sql: Sql,
  { set = {}, delete: deletes }: BulkInput,
  owner: string | undefined,
): Fragment {
  if (!owner) return deletes ? sql`(select private.can_manage())` : sql`true`;
  const manages = sql`private.may_manage(${sql(owner)})`;
  if (deletes) return manages;
  if (!(owner in set)) return sql`true`;
  return sql`
    (${manages} or ${sql(owner)} is not distinct from ${Number(set[owner]) || null}::bigint)`;
}

/** Returns a function that changes or deletes records by one statement. */
function changeOf<Row>(
  sql: Sql,
  { table, name }: StoredRecords<Row>,
  input: BulkInput,
  changes: BulkChange | undefined,
) {
  return async (ids: number[]): Promise<void> => {
    const condition = sql`id = any (${`{${ids.join(",")}}`}::text::bigint[])`;
    const { count } = input.delete
      ? await sql`delete from ${sql(table)} where ${condition}`
      : await sql`update ${sql(table)} set ${
        assignments(sql, table, input, changes)
      } where ${condition}`;
    if (count < ids.length) throw notTheOwner(name);
  };
}

function assignments(
  sql: Sql,
  table: string,
  input: BulkInput,
  changes: BulkChange | undefined,
): Fragment {
  const { set = {} } = input;
  const further = changes?.assignment(sql, input);
  return commaSeparated(sql, [
    ...(Object.keys(set).length > 0 ? [columnAssignments(sql, table, set)] : []),
    ...(further ? [further] : []),
  ]);
}

/** Tries all records at once. When one is refused, tries each half of them. */
async function applyByBisection(
  sql: Sql,
  ids: number[],
  apply: (ids: number[]) => Promise<void>,
  input: BulkInput,
  refusals: { left: number },
): Promise<Outcome[]> {
  if (ids.length === 0) return [];
  await sql`savepoint bulk`;
  try {
    await apply(ids);
    await sql`release savepoint bulk`;
    return ids.map((id) => success(id, input));
  } catch (error) {
    const problem = databaseProblem(error);
    if (isRetryable(error) || !(problem instanceof Problem) || problem.status >= 500) throw error;
    await sql`rollback to savepoint bulk`;
    const [only, ...others] = ids;
    if (only !== undefined && others.length === 0) {
      if (refusals.left-- === 0) throw problem;
      return [failure(only, problem.code)];
    }
    const half = Math.ceil(ids.length / 2);
    return [
      ...await applyByBisection(sql, ids.slice(0, half), apply, input, refusals),
      ...await applyByBisection(sql, ids.slice(half), apply, input, refusals),
    ];
  }
}

function requireAll<Row>(
  { name }: StoredRecords<Row>,
  missing: number[],
  refused: number[],
  input: BulkInput,
): void {
  if (missing.length > 0) throw missingRecords(name, missing);
  if (refused.length === 0) return;
  const detail = `Only the owner, a manager or an administrator may do this to ${name} ` +
    `${refused.join(", ")}.`;
  throw new Problem(refusal(input), detail, { members: { forbidden_ids: refused } });
}

function refusal(input: BulkInput): ProblemCode {
  return input.delete ? "forbidden" : "owner_change_not_allowed";
}

function success(id: number, input: BulkInput): Outcome {
  return input.delete
    ? { id, outcome: "deleted", status: 204 }
    : { id, outcome: "updated", status: 200 };
}

function failure(id: number, code: ProblemCode): Outcome {
  const { status } = new Problem(code, "");
  return { id, outcome: code === "not_found" ? "not_found" : "refused", status, code };
}

/** Returns the answer, with the outcomes in the order of the request. */
function reply(ids: number[], outcomes: Outcome[], { partial, dry_run = false }: BulkInput): Reply {
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const data = ids.flatMap((id) => byId.get(id) ?? []);
  const failed = data.filter(({ code }) => code !== undefined).length;
  const counts = { requested: data.length, succeeded: data.length - failed, failed };
  return new Reply({ data, counts, dry_run }, {
    records: data.length,
    ...(partial && { status: 207 as const }),
  });
}
