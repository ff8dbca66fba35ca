/**
 * Idempotency keys: a POST that is repeated with the same `Idempotency-Key` gets the answer of the
 * first request. Source: draft-ietf-httpapi-idempotency-key-header-07. Keys belong to a user and
 * expire after 24 hours. A write stores its answer in its own transaction, so that answer and
 * effect are committed together. A saga has several transactions and leases the key instead.
 */
import type { Database, RequestScope, Sql, TransactionHooks } from "../database/database.ts";
import { Problem } from "../problem.ts";
import { type StoredAnswer, withChange } from "./answer.ts";

/** A request with an idempotency key. */
/** A request with an idempotency key. */
export interface IdempotentRequest {
  idempotency_key: string;
  operation: string;
  /** SHA-256 of operation, path, query and body. */
  fingerprint: string;
  userId: string;
}

const IN_FLIGHT = "Wait for the first request's answer, then send this one again.";

/**
 * Returns the key of an `Idempotency-Key` header: a structured-field string (`"…"`), or the same
 * without quotes. Returns undefined without a header.
 * @throws Problem `invalid_idempotency_key` when the header is malformed.
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = /^"([\x20-\x7e]*)"$/.exec(header.trim())?.[1] ?? header.trim();
  if (/^[\x21\x23-\x7e]{1,255}$/.test(key)) return key;
  const detail = "Send 1 to 255 visible ASCII characters, a UUID for example.";
  throw new Problem("invalid_idempotency_key", detail, { errors: { "idempotency-key": detail } });
}

/** Returns the SHA-256 of the parts, in hexadecimal. */
export async function fingerprintOf(...parts: string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface StoredRow {
  acquired: boolean;
  locked: boolean;
  operation: string | null;
  fingerprint: string | null;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
}

/**
 * Returns the stored answer of a key, or takes the key and returns undefined when it is new.
 * @throws Problem `request_in_flight`, or `idempotency_key_reused` when the request differs.
 */
async function take(
  sql: Sql,
  request: IdempotentRequest,
  lease: boolean,
): Promise<StoredAnswer | undefined> {
  const { userId, idempotency_key, operation, fingerprint } = request;
  const taking = sql<StoredRow[]>`
    select * from gateway.acquire_idempotency_key(
      ${userId}::uuid, ${idempotency_key}, ${operation}, ${fingerprint}, ${lease})`;
  // Sent at once: the next statement switches to a role that may not do this.
  const [row] = await taking.execute();
  if (!row || row.locked) {
    throw new Problem("request_in_flight", IN_FLIGHT, { headers: { "Retry-After": "1" } });
  }
  if (row.acquired) return undefined;
  if (row.operation !== operation || row.fingerprint !== fingerprint) {
    throw new Problem("idempotency_key_reused", "Use a new key for a new request.");
  }
  if (row.status === null) {
    throw new Problem("request_in_flight", IN_FLIGHT, { headers: { "Retry-After": "1" } });
  }
  return { status: row.status, headers: row.headers ?? {}, body: row.body ?? "", replayed: true };
}

async function store(sql: Sql, request: IdempotentRequest, answer: StoredAnswer): Promise<void> {
  await sql`
    update gateway.idempotency_keys
    set
      status = ${answer.status},
      headers = ${JSON.stringify(answer.headers)}::text::jsonb,
      body = ${answer.body},
      locked_until = null
    where user_id = ${request.userId}::uuid
      and idempotency_key = ${request.idempotency_key}`;
}

/**
 * Returns the hooks that store a write's answer in the write's own transaction. The field `shownOnce` is
 * stored as null.
 */
export function idempotencyHooks(
  request: IdempotentRequest,
  shownOnce?: string,
): TransactionHooks<StoredAnswer> {
  return {
    before: (sql) => take(sql, request, false),
    after: (sql, answer, changeId) =>
      store(sql, request, without(withChange(answer, changeId), shownOnce)),
  };
}

function without(answer: StoredAnswer, field: string | undefined): StoredAnswer {
  if (field === undefined) return answer;
  return { ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), [field]: null }) };
}

/**
 * Runs a saga with a leased key, and stores its answer. Returns the stored answer of an earlier
 * request instead. When the saga fails, the key is released, since sagas are repeatable. When only
 * storing fails, the answer is still true, and the key stays taken until its lease ends.
 * @throws Problem `request_in_flight`, `idempotency_key_reused`, or the saga's own.
 */
export async function idempotentSaga(
  database: Database,
  scope: RequestScope,
  request: IdempotentRequest,
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const earlier = await database.asGateway(scope, (sql) => take(sql, request, true));
  if (earlier) {
    // Throws for a member who has been disabled or demoted since.
    await database.read(scope, () => Promise.resolve());
    return earlier;
  }
  const repeatable = { repeatable: true };
  const answer = await work().catch(async (error) => {
    // The saga's own error says more than an error of the release.
    await database.asGateway(scope, (sql) => release(sql, request), repeatable).catch(() => {});
    throw error;
  });
  await database.asGateway(scope, (sql) => store(sql, request, answer), repeatable)
    .catch(ignoreUnavailable);
  return answer;
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof Problem) || error.status !== 503) throw error;
}

async function release(sql: Sql, request: IdempotentRequest): Promise<void> {
  await sql`
    delete from gateway.idempotency_keys
    where user_id = ${request.userId}::uuid
      and idempotency_key = ${request.idempotency_key}`;
}
