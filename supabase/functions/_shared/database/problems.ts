/**
 * Turns errors of Postgres and of the connection into problems. SQL text, constraint names and
 * values are never shown to callers. Triggers report a problem by SQLSTATE `PTnnn` (PostgREST's
 * convention: nnn is the HTTP status of the Data API), with the code in DETAIL and the sentence for
 * the caller in MESSAGE. HINT has the further members of the problem as JSON, if there are any. The
 * code decides the status of the gateway's answer.
 */
import type { PostgresError } from "postgres";
import { isProblemCode, Problem, type ProblemCode, problemType, toProblem } from "../problem.ts";

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

/** Thrown when the database does not answer in time. */
export class NoAnswer extends Error {}

/** Thrown when a request has used up its time, before it gets a connection again. */
export class OutOfTime extends Error {}

/** Thrown when too much other work waits for a connection, or has all of them for too long. */
export class Overloaded extends Error {}

/** Thrown for a statement on a closed connection. The statement was not sent. */
export class ClosedConnection extends Error {
  readonly code = "CONNECTION_CLOSED";
}

/**
 * Thrown when a connection was closed while it was idle. No statement of the work has run on it.
 */
export class StaleConnection extends Error {}

/** Codes of the driver and the system, and the SQLSTATEs of a shutdown and of an idle timeout. */
const CLOSED_BY_SERVER = new Set(["CONNECTION_CLOSED", "ECONNRESET", "EPIPE", "57P01", "57P05"]);

/** Whether the server has closed the connection. */
export function isClosedByServer(error: unknown): boolean {
  return CLOSED_BY_SERVER.has(errorCode(error));
}

/** Whether the connection is lost with this error: it takes no further statement. */
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

/** Compares the name: the class would load the driver, which slows a cold start. */
function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && error.name === "PostgresError";
}

/** Returns an error of the database as a problem, and any other value unchanged. */
export function databaseProblem(error: unknown): unknown {
  if (isPostgresError(error)) return fromSqlstate(error);
  if (error instanceof OutOfTime) return timedOut(error);
  if (error instanceof Overloaded) return overloaded(error);
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

function timedOut(cause: unknown): Problem {
  return new Problem("database_timeout", TIMEOUT_DETAIL, { headers: RETRY_SOON, cause });
}

function overloaded(cause: unknown): Problem {
  return new Problem("overloaded", "Send fewer requests at once, and this one again later.", {
    headers: RETRY_SOON,
    cause,
  });
}

function fromSqlstate(error: PostgresError): Problem {
  const { code } = error;
  if (/^PT[45]\d\d$/.test(code)) return fromTrigger(error);
  if (/^(08|53|57P)/.test(code)) return unavailable(error);
  const [problem, detail] = BY_SQLSTATE[code] ?? BY_SQLSTATE[code.slice(0, 2)] ?? [];
  if (!problem || !detail) return toProblem(error);
  const field = fieldOf(error);
  return new Problem(problem, detail, {
    cause: error,
    ...(field && { errors: { [field]: detail } }),
    ...(problemType(problem)[0] === 503 && { headers: RETRY_SOON }),
  });
}

const INVALID_DETAIL =
  "A value is missing, too long or out of range. Check the fields that you sent.";

const TIMEOUT_DETAIL =
  "The request took too long. Ask for fewer records at once, or try again later.";

const BY_SQLSTATE: Record<string, [ProblemCode, string]> = {
  "23505": ["conflict", "A record with this value exists already. Choose another value."],
  "23503": ["unknown_reference", "A referenced record does not exist. Check the ids."],
  "23001": ["still_referenced", "Other records refer to this one. Change those records first."],
  "23502": ["invalid_value", INVALID_DETAIL],
  "23514": ["invalid_value", INVALID_DETAIL],
  "21": ["invalid_value", INVALID_DETAIL],
  "22": ["invalid_value", INVALID_DETAIL],
  "23": ["invalid_value", INVALID_DETAIL],
  "54": ["invalid_value", "A value is too large or too deeply nested. Send less."],
  "42501": ["forbidden", "Only the record's owner, a manager or an administrator may do this."],
  "40001": [
    "concurrent_change",
    "Another request changed the same records. Read them again, then retry.",
  ],
  "40P01": [
    "concurrent_change",
    "Another request changed the same records. Read them again, then retry.",
  ],
  "55P03": ["concurrent_change", "Another request is changing the record. Try again."],
  "57014": ["database_timeout", TIMEOUT_DETAIL],
};

function fromTrigger(error: PostgresError): Problem {
  const code = error.detail ?? "";
  const { column_name: field, message, hint } = error;
  if (!isProblemCode(code)) return toProblem(error);
  return new Problem(code, message, {
    cause: error,
    members: hint ? JSON.parse(hint) : {},
    ...(field && { errors: { [field]: message } }),
  });
}

/** `contacts_company_id_fkey` → `company_id`, as Postgres names constraints by default. */
function fieldOf(error: PostgresError): string | undefined {
  if (error.column_name) return error.column_name;
  const { constraint_name: name = "", table_name: table = "" } = error;
  if (!name.startsWith(`${table}_`)) return undefined;
  const column = name.slice(table.length + 1).replace(/_(fkey|key|check)$/, "");
  return column.replace(/^workspace_id_/, "") || undefined;
}
