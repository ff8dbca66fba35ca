/**
 * Bulk operations: one change, or the deletion, of up to 1,000 records in one transaction, by one
 * statement for each kind of work. All or nothing, unless `partial` asks for an outcome per record:
 * then what the database refuses is found by halving, not record by record, up to 50 refusals.
 */
import { z } from "zod";
import { type BulkInput, inBody, MAXIMUM_RECORDS, parseFilter } from "./bulkInput.ts";
import type { Fragment, Sql } from "./database.ts";
import { databaseProblem, isRetryable } from "./databaseProblem.ts";
import { recordId } from "./fields.ts";
import { commaSeparated } from "./listingSql.ts";
import { Reply } from "./operation.ts";
import { Problem, type ProblemCode } from "./problem.ts";
import { missingRecords, notTheOwner, type Resource } from "./records.ts";

/** Beyond so many it is the change that is wrong, and not the records: it is refused as a whole. */
const MOST_REFUSALS = 50;

const Outcome = z.object({
  id: recordId,
  outcome: z.enum(["updated", "deleted", "not_found", "refused"]),
  status: z.int().describe("As the operation on this record alone would have answered."),
  code: z.string().optional().describe("The problem's, when it failed."),
});
type Outcome = z.output<typeof Outcome>;

export const BulkResult = z.object({
  data: z.array(Outcome),
  counts: z.object({ requested: z.int(), succeeded: z.int(), failed: z.int() }),
  dry_run: z.boolean(),
}).meta({ id: "BulkResult" });

export const BULK_DESCRIPTION =
  "Up to 1,000 records by `ids` or `filter`, all or nothing. With `partial` each has its own outcome, " +
  "and the answer is 207. With `dry_run` nothing changes.";

/** Problems that every bulk operation may have. */
export const BULK_PROBLEMS = ["too_many_records", "not_found", "forbidden"] as const;

/** Does what the input says; the answer is 207 when it is partial. */
export async function runBulk<Record>(
  sql: Sql,
  resource: Resource<Record>,
  input: BulkInput,
): Promise<Reply> {
  const ids = await requestedIds(sql, resource, input);
  const locked = await lockRecords(sql, resource, ids, input);
  const permitted = locked.filter((record) => record.permitted).map(({ id }) => id);
  const refused = locked.filter((record) => !record.permitted).map(({ id }) => id);
  const missing = ids.filter((id) => !locked.some((record) => record.id === id));
  const work = workOf(sql, resource, input);
  if (!input.partial) {
    requireAll(resource, missing, refused, input);
    if (permitted.length > 0) await work(permitted);
    return reply(ids, permitted.map((id) => success(id, input)), input);
  }
  const outcomes = [
    ...missing.map((id) => failure(id, "not_found")),
    ...refused.map((id) => failure(id, refusal(input))),
    ...await workByHalves(sql, permitted, work, input, { left: MOST_REFUSALS }),
  ];
  return reply(ids, outcomes, input);
}

async function requestedIds<Record>(
  sql: Sql,
  { listing }: Resource<Record>,
  { ids, filter = {} }: BulkInput,
): Promise<number[]> {
  if (ids) return [...new Set(ids)];
  const parsed = parseFilter(filter, listing);
  const matching = await listing.matching(sql, parsed, MAXIMUM_RECORDS).catch((error) => {
    throw inBody(error);
  });
  if (matching.count <= MAXIMUM_RECORDS) return matching.ids;
  const detail = `The filter matches ${matching.count} records. Narrow it to ${MAXIMUM_RECORDS}.`;
  throw new Problem("too_many_records", detail, {
    errors: { filter: detail },
    members: { count: matching.count, maximum: MAXIMUM_RECORDS },
  });
}

interface Locked {
  id: number;
  /** Whether row-level security and the guard of owners will let the caller do it. */
  permitted: boolean;
}

/** In the order of their ids, so that two bulks never wait for each other in a circle. */
async function lockRecords<Record>(
  sql: Sql,
  { table }: Resource<Record>,
  ids: number[],
  input: BulkInput,
): Promise<Locked[]> {
  return await sql<Locked[]>`
    select id::float8 as id, ${permittedSql(sql, input)} as permitted
    from ${sql(table)}
    where id = any (${`{${ids.join(",")}}`}::text::bigint[])
    order by id
    for update`;
}

function permittedSql(sql: Sql, { set, delete: deletes }: BulkInput): Fragment {
  const isOwner = sql`private.may_manage(sales_id)`;
  if (deletes) return isOwner;
  if (!set || !("sales_id" in set)) return sql`true`;
  return sql`(${isOwner} or sales_id is not distinct from ${set.sales_id as
    | number
    | null}::bigint)`;
}

/** The one statement that does the work on these records. */
function workOf<Record>(sql: Sql, { table, name }: Resource<Record>, input: BulkInput) {
  return async (ids: number[]): Promise<void> => {
    const wanted = sql`id = any (${`{${ids.join(",")}}`}::text::bigint[])`;
    const { count } = input.delete
      ? await sql`delete from ${sql(table)} where ${wanted}`
      : await sql`update ${sql(table)} set ${assignments(sql, table, input)} where ${wanted}`;
    if (count < ids.length) throw notTheOwner(name);
  };
}

function assignments(sql: Sql, table: string, { set = {}, ...input }: BulkInput): Fragment {
  const { add_tags, remove_tags } = input;
  const columns = Object.keys(set);
  const values = sql`
    (${sql(columns)}) = (
      select ${sql(columns)}
      from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(set)}::text::jsonb)
    )`;
  return commaSeparated(sql, [
    ...(columns.length > 0 ? [values] : []),
    ...(add_tags || remove_tags ? [tagsSql(sql, add_tags ?? [], remove_tags ?? [])] : []),
  ]);
}

/** What a record carries stays in its order, new tags follow in theirs; added beats removed. */
function tagsSql(sql: Sql, add: number[], remove: number[]): Fragment {
  const added = sql`${`{${add.join(",")}}`}::text::bigint[]`;
  return sql`
    tags = array(
      select wanted.id
      from unnest(coalesce(tags, '{}') || ${added}) with ordinality as wanted (id, position)
      where wanted.id = any (${added}) or wanted.id <> all (${`{${
    remove.join(",")
  }}`}::text::bigint[])
      group by wanted.id
      order by min(wanted.position)
    )`;
}

/** All at once; what is refused is halved until the records are found that it is refused for. */
async function workByHalves(
  sql: Sql,
  ids: number[],
  work: (ids: number[]) => Promise<void>,
  input: BulkInput,
  refusals: { left: number },
): Promise<Outcome[]> {
  if (ids.length === 0) return [];
  await sql`savepoint bulk`;
  try {
    await work(ids);
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
      ...await workByHalves(sql, ids.slice(0, half), work, input, refusals),
      ...await workByHalves(sql, ids.slice(half), work, input, refusals),
    ];
  }
}

function requireAll<Record>(
  { name }: Resource<Record>,
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

/** In the order of the request. */
function reply(ids: number[], outcomes: Outcome[], { partial, dry_run = false }: BulkInput): Reply {
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const data = ids.flatMap((id) => byId.get(id) ?? []);
  const failed = data.filter(({ code }) => code !== undefined).length;
  const counts = { requested: data.length, succeeded: data.length - failed, failed };
  return new Reply({ data, counts, dry_run }, partial ? { status: 207 } : {});
}
