/** The records that a member owns: their numbers, and giving them to another owner. */
import { commaSeparated, type Sql } from "../../_shared/database/database.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { Offboarding } from "./schema.ts";

/** Table → number of records. */
export type OwnedCounts = Offboarding["reassigned"];

const OWNED_TABLES = Offboarding.shape.reassigned.keyof().options;

/**
 * Locks a member against new records and other changes, and the new owner against being disabled. The order
 * of the ids lets two requests that offboard each other's new owner wait for one another.
 */
export async function lockMembers(
  sql: Sql,
  id: number,
  reassign_to = id,
): Promise<void> {
  const lockUser = () => sql`select from sales where id = ${id} for update`;
  const lockOwner = () => sql`select from sales where id = ${reassign_to} for share`;
  for (const lock of reassign_to < id ? [lockOwner, lockUser] : [lockUser, lockOwner]) await lock();
}

/**
 * Refuses a new owner who is not another active member of the workspace.
 * @throws Problem `unknown_reference`.
 */
export async function requireNewOwner(sql: Sql, reassign_to: number, id: number): Promise<void> {
  const owners = await sql`
    select from sales where id = ${reassign_to} and id <> ${id} and not disabled`;
  if (owners.length > 0) return;
  const detail = "Use the id of another active user of your workspace as reassign_to.";
  throw new Problem("unknown_reference", detail, { errors: { reassign_to: detail } });
}

/** Returns the numbers of records that a member owns. */
export async function countOwned(sql: Sql, id: number): Promise<OwnedCounts> {
  const counts = OWNED_TABLES.map((table) =>
    sql`(select count(*)::int from ${sql(table)} where sales_id = ${id}) as ${sql(table)}`
  );
  const [row] = await sql<OwnedCounts[]>`select ${commaSeparated(sql, counts)}`;
  return invariant(row, "Counting the records returned no row");
}

/** Gives all records of a member to another owner, in one statement. */
export async function moveOwned(sql: Sql, id: number, owner: number): Promise<OwnedCounts> {
  const updates = OWNED_TABLES.map((table) =>
    sql`
      ${sql(`moved_${table}`)} as (
        update ${sql(table)} set sales_id = ${owner} where sales_id = ${id} returning 1
      )`
  );
  const counts = OWNED_TABLES.map((table) =>
    sql`(select count(*)::int from ${sql(`moved_${table}`)}) as ${sql(table)}`
  );
  const [row] = await sql<OwnedCounts[]>`
    with ${commaSeparated(sql, updates)}
    select ${commaSeparated(sql, counts)}`;
  return invariant(row, "Moving the records returned no row");
}
