/**
 * Bulk operations: one change, or the deletion, of up to 1,000 records in one transaction, by one
 * statement for each kind of work. All or nothing, unless `partial` asks for an outcome per record:
 * then what the database refuses is found by halving, not record by record, up to 50 refusals.
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
  type BulkChange,
  type BulkInput,
  inBody,
  MAXIMUM_RECORDS,
  parseFilter,
} from "./bulkInput.ts";
import { missingRecords, notTheOwner, type Stored } from "./record.ts";

/** The resource whose records a bulk changes. */
interface BulkTarget<Row> extends Stored<Row> {
  owner?: string;
}

/** With more refusals than this the whole request is refused. */
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

/** Does what the input says; the answer is 207 when it is partial. */
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
  const work = workOf(sql, target, input, changes);
  if (!input.partial) {
    requireAll(target, missing, refused, input);
    if (permitted.length > 0) await work(permitted);
    return reply(ids, permitted.map((id) => success(id, input)), input);
  }
  const outcomes = [
    ...missing.map((id) => failure(id, "not_found")),
    ...refused.map((id) => failure(id, refusal(input))),
    ...await workInHalves(sql, permitted, work, input, { left: MOST_REFUSALS }),
  ];
  return reply(ids, outcomes, input);
}

async function requestedIds<Row>(
  sql: Sql,
  { list }: Stored<Row>,
  { ids, filter = {}, all }: BulkInput,
): Promise<number[]> {
  if (ids) return [...new Set(ids)];
  const parsed = all ? list.parse({}) : parseFilter(filter, list);
  const matching = await list.matching(sql, parsed, MAXIMUM_RECORDS).catch((error) => {
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

/** The one statement that does the work on these records. */
function workOf<Row>(
  sql: Sql,
  { table, name }: Stored<Row>,
  input: BulkInput,
  changes: BulkChange | undefined,
) {
  return async (ids: number[]): Promise<void> => {
    const wanted = sql`id = any (${`{${ids.join(",")}}`}::text::bigint[])`;
    const { count } = input.delete
      ? await sql`delete from ${sql(table)} where ${wanted}`
      : await sql`update ${sql(table)} set ${
        assignments(sql, table, input, changes)
      } where ${wanted}`;
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
  const columns = Object.keys(set);
  const values = sql`
    (${sql(columns)}) = (
      select ${sql(columns)}
      from jsonb_populate_record(null::${sql(table)}, ${JSON.stringify(set)}::text::jsonb)
    )`;
  const further = changes?.assignment(sql, input);
  return commaSeparated(sql, [
    ...(columns.length > 0 ? [values] : []),
    ...(further ? [further] : []),
  ]);
}

/** Tries all records at once; halves what is refused until the refused records are found. */
async function workInHalves(
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
      ...await workInHalves(sql, ids.slice(0, half), work, input, refusals),
      ...await workInHalves(sql, ids.slice(half), work, input, refusals),
    ];
  }
}

function requireAll<Row>(
  { name }: Stored<Row>,
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
