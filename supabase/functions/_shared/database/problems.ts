/**
 * What Postgres reports, as problems. SQL text, constraint names and values stay inside; what our own
 * triggers say to users travels in SQLSTATE `PTnnn` (nnn = HTTP status, PostgREST's convention), the
 * stable code in DETAIL, the sentence in MESSAGE.
 */
import type { PostgresError } from "postgres";
import { isProblemCode, Problem, type ProblemCode, problemType } from "../problem.ts";

const RETRYABLE = new Set(["40001", "40P01"]);
const CONNECTION_CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "ETIMEDOUT",
  "EPIPE",
]);
const RETRY_SOON = { "Retry-After": "5" };

/** Thrown when the database accepts the connection and then says nothing. */
export class NoAnswer extends Error {}

/** Thrown for a statement on a connection that has closed: the statement was not sent. */
export class ClosedConnection extends Error {
  readonly code = "CONNECTION_CLOSED";
}

/** Thrown when a connection was closed while it lay idle: nothing has been done on it. */
export class StaleConnection extends Error {}

/** The driver's and the system's names, and the SQLSTATEs of a shutdown and of an idle session's end. */
const CLOSED_BY_SERVER = new Set(["CONNECTION_CLOSED", "ECONNRESET", "EPIPE", "57P01", "57P05"]);

/** Whether the server has closed the connection; others are closed by us, with those that hang. */
export function isClosedByServer(error: unknown): boolean {
  return CLOSED_BY_SERVER.has(errorCode(error));
}

/** Whether the connection is gone with this error: nothing more may be sent on it. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof NoAnswer || error instanceof StaleConnection ||
    CONNECTION_CODES.has(errorCode(error)) ||
    (isPostgresError(error) && error.severity === "FATAL");
}

/** Whether the same transaction may succeed when it is run again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof StaleConnection ||
    (isPostgresError(error) && RETRYABLE.has(error.code));
}

/** By its name: the driver's own class would have to be loaded, which costs a cold start dearly. */
function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && error.name === "PostgresError";
}

/** Anything thrown during database work, as a problem; problems pass through. */
export function databaseProblem(error: unknown): unknown {
  if (isPostgresError(error)) return fromSqlstate(error);
  return isConnectionLost(error) ? unavailable(error) : error;
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function unavailable(cause: unknown): Problem {
  return new Problem(
    "database_unavailable",
    "The database cannot be reached at the moment. Try again in a few seconds.",
    { headers: RETRY_SOON, cause },
  );
}

function fromSqlstate(error: PostgresError): Problem {
  const { code } = error;
  if (/^PT[45]\d\d$/.test(code)) return fromTrigger(error);
  if (/^(08|53|57P)/.test(code)) return unavailable(error);
  const [problem, detail] = BY_SQLSTATE[code] ?? BY_SQLSTATE[code.slice(0, 2)] ?? [];
  if (!problem || !detail) return new Problem("internal", INTERNAL_DETAIL, { cause: error });
  const field = fieldOf(error);
  return new Problem(problem, detail, {
    cause: error,
    ...(field && { errors: { [field]: detail } }),
    ...(problemType(problem)[0] === 503 && { headers: RETRY_SOON }),
  });
}

const INTERNAL_DETAIL =
  "Something went wrong on our side. Try again, and quote the request id if it persists.";
const INVALID_DETAIL =
  "A value is missing, too long or out of range. Check the fields that you sent.";

const BY_SQLSTATE: Record<string, [ProblemCode, string]> = {
  "23505": ["conflict", "A record with this value exists already. Choose another value."],
  "23503": ["unknown_reference", "A record that is referred to does not exist. Check the ids."],
  "23001": ["still_referenced", "Other records refer to this one. Change these first."],
  "23502": ["invalid_value", INVALID_DETAIL],
  "23514": ["invalid_value", INVALID_DETAIL],
  "22": ["invalid_value", INVALID_DETAIL],
  "54": ["invalid_value", "A value is too large or too deeply nested. Send less."],
  "42501": ["forbidden", "Only the record's owner, a manager or an administrator may do this."],
  "40001": ["concurrent_change", "Others changed the same records. Read them again, then retry."],
  "40P01": ["concurrent_change", "Others changed the same records. Read them again, then retry."],
  "55P03": ["concurrent_change", "The record is being changed by somebody else. Try again."],
  "57014": [
    "database_timeout",
    "The work took too long. Ask for less at once, or try again later.",
  ],
};

function fromTrigger(error: PostgresError): Problem {
  const code = error.detail ?? "";
  const { column_name: field, message } = error;
  if (isProblemCode(code)) {
    return new Problem(code, message, {
      cause: error,
      ...(field && { errors: { [field]: message } }),
    });
  }
  return new Problem("internal", INTERNAL_DETAIL, { cause: error });
}

/** `contacts_company_id_fkey` → `company_id`; Postgres's own naming, so no list to keep. */
function fieldOf(error: PostgresError): string | undefined {
  if (error.column_name) return error.column_name;
  const { constraint_name: name = "", table_name: table = "" } = error;
  if (!name.startsWith(`${table}_`)) return undefined;
  const column = name.slice(table.length + 1).replace(/_(fkey|key|check)$/, "");
  return column.replace(/^workspace_id_/, "") || undefined;
}
