/** The workspace of the permission tests, and the execution of one statement. */
import {
  anonymous,
  become,
  type Caller,
  foundWorkspace,
  type Member,
  type Refusal,
  refusalOf,
  rolledBack,
  type Row,
  sql,
  type Transaction,
} from "../support/database.ts";
import { type CallerName, CALLERS, type Verb } from "./permissions.ts";
import { insertSampleRows, readRelations, type Relation } from "./sampleRows.ts";
import { type SampleRows, viewRow } from "./sampleValues.ts";

/** A workspace with a row of every member in every table, and another workspace beside it. */
export interface Fixture {
  relations: Map<string, Relation>;
  callers: Record<CallerName, Caller>;
  /** The rows of each caller who owns some. */
  rows: Map<CallerName, SampleRows>;
  foreignRows: SampleRows;
  foreign_workspace_id: string;
}

/** The outcome of a statement: the number of its rows, or its refusal. */
export type Outcome = { rows: number } | Refusal;

/** Makes the fixture. Nothing in it is changed afterwards: every case is rolled back. */
export async function createFixture(): Promise<Fixture> {
  const relations = await readRelations();
  const [tenant, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const members = {
    disabled: await tenant.join("admin", true),
    rep: await tenant.join("rep"),
    manager: await tenant.join("manager"),
    admin: tenant.admin,
  };
  const owners: Partial<Record<CallerName, Member>> = members;
  const rows: Fixture["rows"] = new Map();
  for (const name of CALLERS) {
    const owner = owners[name];
    if (owner) rows.set(name, await insertSampleRows(relations, tenant, owner));
  }
  const no_member: Caller = { claims: { role: "authenticated", sub: crypto.randomUUID() } };
  return {
    relations: new Map(relations.map((relation) => [relation.name, relation])),
    callers: { anon: anonymous, no_member, foreign: other.admin, ...members },
    rows,
    foreignRows: await insertSampleRows(relations, other, other.admin),
    foreign_workspace_id: other.workspace_id,
  };
}

/** One statement to test. */
export interface Attempt {
  caller: Caller;
  /** Runs before it, as the superuser. */
  prepare?(tx: Transaction): PromiseLike<unknown>;
  statement(tx: Transaction): PromiseLike<{ count: number }>;
}

/** Runs a statement, inspects its effects as the superuser, and rolls back. */
export async function attempt<T>(
  { caller, prepare, statement }: Attempt,
  inspect: (tx: Transaction) => PromiseLike<T>,
): Promise<{ outcome: Outcome; left: T }> {
  return await rolledBack(async (tx) => {
    await prepare?.(tx);
    const running = tx.savepoint(async (savepoint) => {
      await become(savepoint, caller);
      const { count } = await statement(savepoint);
      await savepoint`reset role`;
      return { rows: count };
    });
    const outcome: Outcome = await running.catch(() => refusalOf(running));
    return { outcome, left: await inspect(tx) };
  });
}

/** A statement that reads, changes or deletes the row, or inserts a row with its values. */
export function statementOf(
  tx: Transaction,
  relation: Relation,
  verb: Verb,
  row: Row,
): PromiseLike<{ count: number }> {
  const table = tx("public." + relation.name);
  if (verb === "select") return tx`select from ${table} where ${isRow(relation, row)}`;
  if (verb === "delete") return tx`delete from ${table} where ${isRow(relation, row)}`;
  if (verb === "update") {
    return tx`update ${table} set ${changeOf(relation)} where ${isRow(relation, row)}`;
  }
  const given = Object.keys(row);
  if (relation.kind === "view" || given.length === 0) {
    return tx`insert into ${table} default values`;
  }
  const columns = tx(given);
  return tx`
    insert into ${table} (${columns})
    select ${columns} from jsonb_populate_record(null::${table}, ${tx.json(row)})`;
}

/** The row as the superuser reads it. */
export async function readRow(tx: Transaction | typeof sql, relation: Relation, row: Row) {
  return [
    ...await tx`
      select to_jsonb(t) as row from ${tx("public." + relation.name)} t where ${
      isRow(relation, row)
    }`,
  ];
}

/** A condition for the row: by the primary key of a table, by the given columns of a view. */
export function isRow(relation: Relation, row: Row) {
  const keys = relation.kind === "table" ? relation.key : Object.keys(row);
  return keys.reduce(
    (condition, key) => sql`${condition} and ${sql(key)} = ${row[key]}`,
    sql`true`,
  );
}

/** A change of a column that is neither owner, workspace nor key. */
function changeOf(relation: Relation) {
  const free = relation.columns.filter(({ name, parent }) =>
    relation.kind === "table" && !parent && !relation.key.includes(name)
  );
  const text = free.find(({ type }) => type === "text");
  if (text) return sql`${sql(text.name)} = 'changed'`;
  const json = free.find(({ type }) => type === "jsonb");
  if (json) return sql`${sql(json.name)} = '{"changed": true}'`;
  const first = sql(relation.columns[0]?.name ?? "");
  return sql`${first} = ${first}`;
}

/** SQLSTATE of a missing privilege, and of a row that violates a policy. */
export const DENIED = ["42501"];
/** PostgreSQL refuses writes to a view that is not updatable before it checks privileges. */
export const NOT_WRITABLE = [...DENIED, "55000", "0A000"];

/** An error message unless the outcome is this number of rows, else null. */
export function met(outcome: Outcome, rows: number): string | null {
  if ("code" in outcome) return `refused with ${outcome.code} ${outcome.detail ?? ""}`;
  return outcome.rows === rows ? null : `met ${outcome.rows} rows, not ${rows}`;
}

/** An error message unless the statement was refused with one of the codes, else null. */
export function refused(outcome: Outcome, codes: string[]): string | null {
  if (!("code" in outcome)) return `not refused, met ${outcome.rows} rows`;
  return codes.includes(outcome.code) ? null : `refused with ${outcome.code}, not ${codes}`;
}

/** A member's row in a table or a view. */
export function rowOf({ rows }: Fixture, relation: Relation, owner: CallerName): Row {
  const own = rows.get(owner) ?? {};
  if (relation.kind === "table") return own[relation.name] ?? {};
  return viewRow(relation.name, own);
}
