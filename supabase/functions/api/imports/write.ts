/** SQL of a chunk: reads and locks the records that its rows match, and writes the new values. */
import * as z from "zod";
import {
  arraySql,
  commaSeparated,
  databaseProblem,
  isRetryable,
  type Member,
  pipelined,
  type Sql,
} from "../../_shared/database/database.ts";
import { invariant, Problem, type ProblemCode } from "../../_shared/problem.ts";
import { arrange, lockBoard } from "../deals/positions.ts";
import type { Draft } from "./convert.ts";
import type { RecordType } from "./fields.ts";
import {
  findCompaniesByName,
  findExternalIds,
  findExternalKeys,
  idsOf,
  type Known,
} from "./references.ts";
import {
  type Candidates,
  changedColumns,
  externalIdsOf,
  type Matching,
  nameOf,
} from "./targets.ts";
import type { Stored, Target } from "./targets.ts";

/** The columns that are written, with their types. */
export const COLUMNS: Record<RecordType, Record<string, string>> = {
  contacts: {
    first_name: "text",
    last_name: "text",
    gender: "text",
    title: "text",
    background: "text",
    first_seen: "timestamptz",
    last_seen: "timestamptz",
    has_newsletter: "boolean",
    status: "text",
    tags: "bigint[]",
    company_id: "bigint",
    sales_id: "bigint",
    linkedin_url: "text",
    email_jsonb: "jsonb",
    phone_jsonb: "jsonb",
    avatar: "jsonb",
    external_ids: "jsonb",
  },
  companies: {
    name: "text",
    sector: "text",
    size: "smallint",
    linkedin_url: "text",
    website: "extensions.citext",
    phone_number: "text",
    address: "text",
    zipcode: "text",
    city: "text",
    state_abbr: "text",
    country: "text",
    description: "text",
    revenue: "text",
    tax_identifier: "text",
    logo: "jsonb",
    context_links: "json",
    sales_id: "bigint",
    external_ids: "jsonb",
  },
  deals: {
    name: "text",
    company_id: "bigint",
    contact_ids: "bigint[]",
    category: "text",
    stage: "text",
    description: "text",
    amount: "bigint",
    expected_closing_date: "date",
    closed_at: "timestamptz",
    index: "smallint",
    sales_id: "bigint",
    external_ids: "jsonb",
  },
  tasks: {
    contact_id: "bigint",
    type: "text",
    text: "text",
    due_date: "timestamptz",
    done_date: "timestamptz",
    sales_id: "bigint",
    external_ids: "jsonb",
  },
};

/** Columns that a new record must have. */
const NEEDED: Record<RecordType, string[]> = {
  contacts: [],
  companies: ["name"],
  deals: ["name", "stage"],
  tasks: ["contact_id"],
};

/** Finds and locks the records that the rows may match. */
export async function readCandidates(
  sql: Sql,
  matching: Matching,
  drafts: Draft[],
  known: Known,
): Promise<Candidates> {
  const { recordType, policy, matchOn } = matching;
  const byEmail = known.contactsByEmail;
  if (policy === "create") {
    const externalIds = await findByExternalId(sql, matching, drafts);
    return { stored: new Map(), byExternalId: externalIds, byEmail, byName: new Map() };
  }
  const names = matchOn.includes("name")
    ? drafts.map(({ values }) => nameOf(recordType, values)).filter((name) => name !== "")
    : [];
  const [byExternalId, byName] = await pipelined([
    findByExternalId(sql, matching, drafts),
    findByName(sql, recordType, [...new Set(names)]),
  ]);
  const ids = [
    ...idsOf(drafts.flatMap(({ references }) => references.get("id") ?? [])),
    ...byExternalId.values(),
    ...byName.values(),
    ...(matchOn.includes("email") ? byEmail.values() : []),
  ];
  const stored = await lockRecords(sql, recordType, [...new Set(ids)]);
  return { stored, byExternalId, byEmail, byName };
}

async function findByExternalId(
  sql: Sql,
  matching: Matching,
  drafts: Draft[],
): Promise<Map<string, number>> {
  const { recordType, source } = matching;
  if (source === undefined) {
    const ids = drafts.flatMap(({ values }) => values.external_ids ?? []);
    return await findExternalKeys(sql, recordType, z.array(externalId).parse(ids));
  }
  const ids = new Set(drafts.flatMap((draft) => externalIdsOf(draft, matching)));
  return await findExternalIds(sql, recordType, source, [...ids]);
}

const externalId = z.object({ source: z.string(), id: z.string() });

async function findByName(
  sql: Sql,
  recordType: RecordType,
  names: string[],
): Promise<Map<string, number>> {
  if (names.length === 0 || recordType === "tasks" || recordType === "contacts") return new Map();
  if (recordType === "companies") return await findCompaniesByName(sql, names);
  const rows = await sql<{ id: number; name: string }[]>`
    select min(d.id)::float8 as id, wanted.name
    from unnest(${arraySql(sql, names, "text")}) as wanted (name)
    join deals d on lower(d.name) = wanted.name
    group by wanted.name`;
  return new Map(rows.map(({ id, name }) => [name, id]));
}

/** In the order of the ids, so that no two requests wait for each other. */
async function lockRecords(
  sql: Sql,
  recordType: RecordType,
  ids: number[],
): Promise<Map<number, Stored>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<Stored[]>`
    select
      id::float8 as id, sales_id::float8 as sales_id,
      coalesce((select private.can_manage()) or sales_id = (select private.member_id()), false)
        as manages,
      to_jsonb(${sql(recordType)}) - 'search' as record
    from ${sql(recordType)}
    where id = any (${arraySql(sql, ids, "bigint")})
    order by id
    for update`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** What became of the targets of a chunk. */
export interface Written {
  created: number;
  updated: number;
  skipped: number;
}

/**
 * Writes the targets by one statement for new records and one for changed ones. Targets that the
 * database refuses are found by halving, and their rows get the error.
 * @returns the targets that were written. The others are stored already, or their rows have errors.
 * @throws the problem of the last target when the database refuses more of them than `maximum`.
 */
export async function writeTargets(
  sql: Sql,
  recordType: RecordType,
  member: Member,
  targets: Target[],
  maximum = Infinity,
): Promise<Set<Target>> {
  const columns = Object.keys(COLUMNS[recordType]);
  const valid = targets.filter((target) => isAllowed(recordType, target));
  const changed = valid.filter((target) =>
    !target.stored || changedColumns(target, columns).length > 0
  );
  if (recordType === "deals" && changed.length > 0) await lockBoard(sql, member);
  const written = await writeByHalves(sql, recordType, changed, { left: maximum });
  if (recordType === "deals" && written.length > 0) await arrange(sql, stagesOf(written));
  return new Set(written);
}

/** Counts each row once: the first row of a new record creates it. */
export function countRows(targets: Target[], done: Set<Target>): Written {
  const counts = { created: 0, updated: 0, skipped: 0 };
  for (const target of targets) {
    const { length } = target.rows.filter(({ errors }) => errors.length === 0);
    if (length === 0) continue;
    if (!done.has(target)) counts.skipped += length;
    else if (target.stored) counts.updated += length;
    else {
      counts.created += 1;
      counts.updated += length - 1;
    }
  }
  return counts;
}

function stagesOf(targets: Target[]): string[] {
  const stages = targets.flatMap(({ stored, values }) => [stored?.record.stage, values.stage]);
  return [...new Set(stages.filter((stage) => typeof stage === "string"))];
}

/** Checks what the API also refuses: a new owner for another's record, a record without its name. */
function isAllowed(recordType: RecordType, target: Target): boolean {
  const { stored, values, rows } = target;
  const missing = NEEDED[recordType].find((column) =>
    values[column] === undefined || values[column] === null || values[column] === ""
  );
  if (missing) return refuse(rows, missing, "A new record needs a value here.");
  if (!stored || stored.manages || values.sales_id === stored.sales_id) return true;
  return refuse(
    rows,
    "owner_email",
    "Only the owner, a manager or an admin may change the owner of this record.",
    "owner_change_not_allowed",
  );
}

/** Gives the rows an error. Returns false. */
export function refuse(
  rows: Draft[],
  field: string | undefined,
  reason: string,
  code?: ProblemCode,
): false {
  const error = { column: null, field, value: null, reason, code };
  for (const { errors } of rows) errors.push({ ...error });
  return false;
}

async function writeByHalves(
  sql: Sql,
  recordType: RecordType,
  targets: Target[],
  refusals: { left: number },
): Promise<Target[]> {
  if (targets.length === 0) return [];
  await sql`savepoint import_rows`;
  try {
    await insertRecords(sql, recordType, targets.filter(({ stored }) => !stored));
    await updateRecords(sql, recordType, targets.filter(({ stored }) => stored));
    // Checked here, so that it is the row that is refused, and not the chunk at its end.
    await sql`set constraints private.external_ids_key immediate`;
    await sql`set constraints private.external_ids_key deferred`;
    await sql`release savepoint import_rows`;
    return targets;
  } catch (error) {
    const problem = databaseProblem(error);
    if (isRetryable(error) || !(problem instanceof Problem) || problem.status >= 500) throw error;
    await sql`rollback to savepoint import_rows`;
    const [only, ...others] = targets;
    if (only && others.length === 0) {
      if (refusals.left-- === 0) throw problem;
      refuse(only.rows, Object.keys(problem.errors ?? {})[0], problem.detail, problem.code);
      return [];
    }
    const half = Math.ceil(targets.length / 2);
    return [
      ...await writeByHalves(sql, recordType, targets.slice(0, half), refusals),
      ...await writeByHalves(sql, recordType, targets.slice(half), refusals),
    ];
  }
}

function recordset(sql: Sql, rows: unknown[], columns: [string, string][]) {
  const definition = columns.map(([name, type]) => sql`${sql(name)} ${sql.unsafe(type)}`);
  return sql`
    jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as imported (
      ${commaSeparated(sql, definition)}
    )`;
}

async function insertRecords(sql: Sql, recordType: RecordType, targets: Target[]): Promise<void> {
  if (targets.length === 0) return;
  // A record without any value needs a column too.
  const used = usedColumns(recordType, [...targets, { values: { external_ids: null }, rows: [] }]);
  const names = commaSeparated(sql, used.map(([name]) => sql`${sql(name)}`));
  const rows = targets.map(({ values }) => values);
  // The rows are inserted in their order, so their ids ascend.
  const [row] = await sql<{ ids: string }[]>`
    with inserted as (
      insert into ${sql(recordType)} (${names})
      select ${names} from ${recordset(sql, rows, used)}
      returning id
    )
    select json_agg(id order by id)::text as ids from inserted`;
  const ids: number[] = JSON.parse(invariant(row, "An insert returned no row").ids);
  for (const [position, target] of targets.entries()) target.id = ids[position];
}

async function updateRecords(sql: Sql, recordType: RecordType, targets: Target[]): Promise<void> {
  if (targets.length === 0) return;
  const all = Object.keys(COLUMNS[recordType]);
  const changed = new Set<string>();
  for (const target of targets) {
    for (const name of changedColumns(target, all)) changed.add(name);
  }
  const used = Object.entries(COLUMNS[recordType]).filter(([name]) => changed.has(name));
  const rows = targets.map(({ stored, values }) => ({ ...values, id: stored?.id }));
  const assignments = used.map(([name]) => sql`${sql(name)} = imported.${sql(name)}`);
  await sql`
    update ${sql(recordType)} as stored
    set ${commaSeparated(sql, assignments)}
    from ${recordset(sql, rows, [["id", "bigint"], ...used])}
    where stored.id = imported.id`;
}

function usedColumns(recordType: RecordType, targets: Target[]): [string, string][] {
  return Object.entries(COLUMNS[recordType])
    .filter(([name]) => targets.some(({ values }) => Object.hasOwn(values, name)));
}
