/** The time limit of statements in a transaction. */
import { outcomeOf, unwrap } from "./connections.ts";
import type { Sql } from "./sql.ts";

/** The limit of a statement without another one. */
export const STATEMENT_TIMEOUT_MS = 10_000;

/**
 * Runs work whose statements may take `milliseconds` each. Needs no round trip of its own. Postgres
 * reports a longer statement by SQLSTATE 57014.
 */
export async function withStatementTimeout<Value>(
  sql: Sql,
  milliseconds: number,
  work: () => Promise<Value>,
): Promise<Value> {
  const limited = limitStatements(sql, milliseconds);
  const value = await work();
  unwrap(await limited);
  // Later statements of the transaction have their usual limit again.
  void limitStatements(sql, STATEMENT_TIMEOUT_MS);
  return value;
}

function limitStatements(sql: Sql, milliseconds: number) {
  const limit = String(milliseconds);
  return outcomeOf(sql`select set_config('statement_timeout', ${limit}, true)`.execute());
}
