/**
 * Idempotency keys: a POST that is sent again with the same `Idempotency-Key` is answered with what the
 * first one was answered. Source: draft-ietf-httpapi-idempotency-key-header-07. Keys belong to their
 * user, live for 24 hours, and are stored in the transaction of the work itself, so that an answer is
 * kept exactly when its effect is. Sagas, which have no one transaction, lease the key instead.
 */
import type { Database, Envelope, RequestScope, Sql } from "../database/database.ts";
import { Problem } from "../problem.ts";
import type { StoredAnswer } from "./answer.ts";

export interface IdempotentRequest {
  idempotency_key: string;
  operation: string;
  /** SHA-256 of operation, path, query and body. */
  fingerprint: string;
  userId: string;
}

const FIRST = "Wait for the first request's answer, then send this one again.";

/**
 * The key of a request: a structured-field string (`"…"`) or, for curl's sake, a bare token.
 * @throws Problem `invalid_idempotency_key`
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = /^"([\x20-\x7e]*)"$/.exec(header.trim())?.[1] ?? header.trim();
  if (/^[\x21\x23-\x7e]{1,255}$/.test(key)) return key;
  const detail = "Send 1 to 255 visible ASCII characters, a UUID for example.";
  throw new Problem("invalid_idempotency_key", detail, { errors: { "idempotency-key": detail } });
}

/** SHA-256 of the parts, in hex. */
export async function fingerprintOf(...parts: string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface StoredRow {
  first: boolean;
  locked: boolean;
  operation: string | null;
  fingerprint: string | null;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
}

/** Looks the key up, and takes it when it is free; both in one statement. */
async function take(
  sql: Sql,
  request: IdempotentRequest,
  lease: boolean,
): Promise<StoredAnswer | undefined> {
  const { userId, idempotency_key, operation, fingerprint } = request;
  const taking = sql<StoredRow[]>`
    select * from gateway.take_idempotency_key(
      ${userId}::uuid, ${idempotency_key}, ${operation}, ${fingerprint}, ${lease})`;
  // Executed here and now: the role that may do this is left by the next statement.
  const [row] = await taking.execute();
  if (!row || row.locked) {
    throw new Problem("request_in_flight", FIRST, { headers: { "Retry-After": "1" } });
  }
  if (row.first) return undefined;
  if (row.operation !== operation || row.fingerprint !== fingerprint) {
    throw new Problem("idempotency_key_reused", "Use a new key for a new request.");
  }
  if (row.status === null) {
    throw new Problem("request_in_flight", FIRST, { headers: { "Retry-After": "1" } });
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

/** The statements around a write that keep its answer with its effect. */
export function idempotentEnvelope(request: IdempotentRequest): Envelope<StoredAnswer> {
  return {
    before: (sql) => take(sql, request, false),
    after: (sql, answer) => store(sql, request, answer),
  };
}

/** Runs a saga under a leased key; when it fails the key is free again, since sagas are repeatable. */
export async function idempotentSaga(
  database: Database,
  scope: RequestScope,
  request: IdempotentRequest,
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const earlier = await database.own(scope, (sql) => take(sql, request, true));
  if (earlier) {
    // Throws for a member who has been disabled or demoted since.
    await database.read(scope, () => Promise.resolve());
    return earlier;
  }
  try {
    const answer = await work();
    await database.own(scope, (sql) => store(sql, request, answer));
    return answer;
  } catch (error) {
    await database.own(scope, async (sql) => {
      await sql`
        delete from gateway.idempotency_keys
        where user_id = ${request.userId}::uuid
          and idempotency_key = ${request.idempotency_key}`;
    });
    throw error;
  }
}
