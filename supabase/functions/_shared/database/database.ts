/**
 * The database: transactions. The door of this folder.
 *
 * A read and a write run as the caller: the first statement sets the claims and switches from the
 * gateway's own role (which may do nothing by itself) to `authenticated`, so that row-level security
 * decides. It also returns the caller's membership, in the same network round trip as the work, so that
 * a disabled member is refused at once. `own` and `lease` run as the gateway, on its own tables alone.
 */
import type { Caller } from "../authentication.ts";
import { createPool, first, inConnection, promptly, rethrow, settled } from "./connections.ts";
import { databaseProblem, isConnectionLost, isRetryable } from "./problems.ts";
import type { Sql } from "./sql.ts";
import { Problem } from "../problem.ts";
import type { Settings } from "../settings.ts";

export { arraySql, commaSeparated, type Fragment, joined, type Sql } from "./sql.ts";
export { pipelined } from "./connections.ts";
export { databaseProblem, isRetryable } from "./problems.ts";

export type Role = "admin" | "manager" | "rep";

/** The caller's row in `sales`. */
export interface Member {
  id: number;
  workspace_id: string;
  role: Role;
  email: string;
}

/** What a transaction needs to know of its request. */
export interface RequestScope {
  caller: Caller;
  requestId: string;
  /** Refuses a member who may not call the operation; throws a problem. */
  authorise(member: Member): void;
  /** Milliseconds spent in the database, added up over the request. */
  timing: { databaseMs: number };
}

/** Statements that the gateway runs as itself, before and after the work, in its transaction. */
export interface Envelope<Value> {
  /** Resolves to a value to answer at once with, instead of doing the work. */
  before(sql: Sql): Promise<Value | undefined>;
  after(sql: Sql, value: Value): Promise<void>;
}

/** Requests that an isolate may let through; see `rateLimit.ts`. */
export interface Lease {
  left: number;
  remaining: number;
  windowEnds: number;
}

type Timed = Pick<RequestScope, "timing">;

export interface WriteOptions<Value> {
  /** Roll back at the end, and return the value all the same. */
  dryRun?: boolean;
  envelope?: Envelope<Value>;
}

export interface Database {
  /** A read-only transaction, pipelined: the work is sent before the membership has come back. Both
   * see one snapshot: who is let in reads all that was theirs, and a count fits its page. */
  read<Value>(scope: RequestScope, work: (sql: Sql) => Promise<Value>): Promise<Value>;
  /** One transaction for all that a request changes; retried on serialization failures. */
  write<Value>(
    scope: RequestScope,
    work: (sql: Sql, member: Member) => Promise<Value>,
    options?: WriteOptions<Value>,
  ): Promise<Value>;
  /** A transaction as the gateway itself, on its own tables alone. */
  own<Value>(scope: Timed, work: (sql: Sql) => Promise<Value>): Promise<Value>;
  /** Takes up to `size` requests of a caller's `limit` per window, over all isolates. */
  lease(key: string, size: number, limit: number, windowSeconds: number): Promise<Lease>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const ATTEMPTS = 4;
const STATEMENT_TIMEOUT = "10s";
const LOCK_TIMEOUT = "4s";

/** Connects lazily; every failure is thrown as a problem. */
export function createDatabase(settings: Settings): Database {
  const pool = createPool(settings);
  const run = <Value>(scope: Timed, work: (sql: Sql) => Promise<Value>) =>
    timed(scope, () => retrying(() => inConnection(pool, work)));
  const untimed = { timing: { databaseMs: 0 } };
  return {
    read: (scope, work) => run(scope, (sql) => read(sql, scope, work)),
    write: (scope, work, options = {}) => run(scope, (sql) => write(sql, scope, work, options)),
    own: (scope, work) => run(scope, (sql) => own(sql, work)),
    lease: (...terms) => run(untimed, (sql) => lease(sql, ...terms)),
    ping: () => run(untimed, async (sql) => void await first(sql`select 1`)),
    close: () => pool.end(),
  };
}

async function read<Value>(
  sql: Sql,
  scope: RequestScope,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const begun = settled(sql`begin isolation level repeatable read read only`.execute());
  const opened = settled(openAsCaller(sql, scope));
  // In an async function: work that throws at once must not leave the transaction open.
  const working = settled((async () => await work(sql))());
  let open = true;
  try {
    await first(begun.then(rethrow));
    scope.authorise(memberOf(rethrow(await promptly(opened))));
    return rethrow(await working);
  } catch (error) {
    open = !isConnectionLost(error);
    // The connection goes to the next request: nothing of this one may still be under way on it. A
    // statement that the work no longer waits for stands in a queue that a release would forget.
    if (open) {
      await working;
      await settled(sql`rollback`.execute());
      open = false;
    }
    throw error;
  } finally {
    // Nothing to keep: the answer need not wait for the end of a read-only transaction.
    if (open) void settled(sql`rollback`.execute());
  }
}

async function write<Value>(
  sql: Sql,
  scope: RequestScope,
  work: (sql: Sql, member: Member) => Promise<Value>,
  { dryRun, envelope }: WriteOptions<Value>,
): Promise<Value> {
  const begun = settled(sql`begin`.execute());
  const looked = settled(envelope ? envelope.before(sql) : Promise.resolve(undefined));
  const opened = settled(openAsCaller(sql, scope));
  let open = true;
  try {
    await first(begun.then(rethrow));
    const earlier = rethrow(await looked);
    const member = memberOf(rethrow(await promptly(opened)));
    scope.authorise(member);
    if (earlier !== undefined) return earlier;
    const value = await work(sql, member);
    if (envelope && !dryRun) {
      const leaving = settled(sql`select set_config('role', 'none', true)`.execute());
      await envelope.after(sql, value);
      rethrow(await leaving);
    }
    if (!dryRun) {
      await sql`commit`;
      open = false;
    }
    return value;
  } catch (error) {
    if (isConnectionLost(error)) open = false;
    throw error;
  } finally {
    if (open) await settled(sql`rollback`.execute());
  }
}

async function own<Value>(sql: Sql, work: (sql: Sql) => Promise<Value>): Promise<Value> {
  await first(sql`begin`);
  let open = true;
  try {
    const value = await work(sql);
    await sql`commit`;
    open = false;
    return value;
  } catch (error) {
    if (isConnectionLost(error)) open = false;
    throw error;
  } finally {
    if (open) await settled(sql`rollback`.execute());
  }
}

async function lease(
  sql: Sql,
  key: string,
  size: number,
  limit: number,
  windowSeconds: number,
): Promise<Lease> {
  const leasing = sql<{ leased: number; remaining: number; ends: number }[]>`
    select leased, remaining, ends
    from gateway.lease_requests(${key}, ${size}::integer, ${limit}::integer, ${windowSeconds}::integer)`;
  const [row] = await first(leasing);
  return row
    ? { left: row.leased, remaining: row.remaining, windowEnds: row.ends * 1_000 }
    : { left: 0, remaining: 0, windowEnds: Date.now() + windowSeconds * 1_000 };
}

interface Opening {
  membership: (Member & { disabled: boolean }) | null;
}

async function openAsCaller(sql: Sql, scope: RequestScope): Promise<Opening> {
  const opening = sql<Opening[]>`
    select
      set_config('request.jwt.claims', ${JSON.stringify(scope.caller.claims)}, true),
      set_config('portico.request_id', ${scope.requestId}, true),
      set_config('statement_timeout', ${STATEMENT_TIMEOUT}, true),
      set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
      set_config('role', 'authenticated', true),
      (select gateway.membership(${scope.caller.userId}::uuid)) as membership`;
  // Executed here and now: nothing of the work may reach the database before the role has changed.
  const [row] = await opening.execute();
  return row ?? { membership: null };
}

function memberOf({ membership }: Opening): Member {
  if (!membership) {
    throw new Problem("not_a_member", "Ask an administrator of the workspace for an invitation.");
  }
  if (membership.disabled) {
    throw new Problem(
      "member_disabled",
      "Ask an administrator of the workspace to let you in again.",
    );
  }
  return membership;
}

/** Serialization failures, deadlocks and stale connections are nobody's fault: it is done again. */
async function retrying<Value>(attempt: () => Promise<Value>): Promise<Value> {
  for (let left = ATTEMPTS - 1;; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !isRetryable(error)) throw error;
    }
  }
}

async function timed<Value>(scope: Timed, work: () => Promise<Value>): Promise<Value> {
  const start = performance.now();
  try {
    return await work();
  } catch (error) {
    throw databaseProblem(error);
  } finally {
    scope.timing.databaseMs += performance.now() - start;
  }
}
