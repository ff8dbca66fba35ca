/**
 * Transactions in the database. Files outside this folder import this file only.
 *
 * `read` and `write` run as the caller. Their first statement sets the caller's claims and switches
 * from the gateway's role, which has no rights on records, to `authenticated`: row-level security
 * decides. The same statement returns the caller's membership, so that a disabled member is refused
 * without a further round trip. `asGateway` and `leaseRequests` run as the gateway's role, which
 * may use only the tables and functions of the schema `gateway`.
 */
import { type Caller, type KeyOwner, type KeyStatus, requireActive } from "../authentication.ts";
import {
  createPool,
  firstStatement,
  outcomeOf,
  unwrap,
  withConnection,
  withTimeout,
} from "./connections.ts";
import { databaseProblem, isConnectionLost, isRetryable, OutOfTime } from "./problems.ts";
import type { Sql } from "./sql.ts";
import { Problem } from "../problem.ts";
import { STATEMENT_TIMEOUT_MS } from "./timeout.ts";
import type { Settings } from "../settings.ts";

export { arraySql, commaSeparated, type Fragment, joined, type Sql } from "./sql.ts";
export { pipelined } from "./connections.ts";
export { withStatementTimeout } from "./timeout.ts";
export { databaseProblem, isRetryable } from "./problems.ts";

type Role = "admin" | "manager" | "rep";

/** The caller's row in `sales`. */
export interface Member {
  id: number;
  workspace_id: string;
  role: Role;
  email: string;
  /** Scopes of the caller's API key. Null: all. Undefined for a user. */
  scopes?: string[] | null;
}

/** The request that a transaction belongs to. */
export interface RequestScope {
  caller: Caller;
  /** Id of the operation, which the change of the transaction names. */
  operation: string;
  requestId: string;
  /** The change that the last committed transaction recorded. */
  recorded: { changeId?: string };
  /** Throws a problem when the member may not call the operation. */
  authorise(member: Member): void;
  /** Total time that the request has spent in the database, in milliseconds. */
  timing: { databaseMs: number };
  /** See `TimedScope`. */
  limitsEach?: boolean;
}

/** Statements that run before and after the work in its transaction, as the gateway's role. */
export interface TransactionHooks<Value> {
  /** Returns a value to skip the work and return this value instead. */
  before(sql: Sql): Promise<Value | undefined>;
  /** `changeId`: the change that the work recorded. Undefined when it changed no record. */
  after(sql: Sql, value: Value, changeId: string | undefined): Promise<void>;
}

/** Requests of a caller that one isolate may accept without asking the database. */
export interface Lease {
  /** Requests that this lease still allows. */
  left: number;
  /** Requests of the window that no isolate has leased yet. */
  remaining: number;
  /** Milliseconds since 1970. */
  windowEnds: number;
}

/** Whom a transaction is for, and the time that counts for it. */
export interface TimedScope extends Pick<RequestScope, "timing"> {
  caller?: Caller;
  /** Whether the time limit holds for each transaction, not for all of the request together. */
  limitsEach?: boolean;
}

interface WriteOptions<Value> {
  /** Rolls the transaction back, and still returns the value. */
  dryRun?: boolean;
  /** The work does no harm when it runs twice, so it runs again when the connection is lost. */
  repeatable?: boolean;
  hooks?: TransactionHooks<Value>;
}

/** Transactions. Every method throws a `Problem` when the database fails or refuses. */
export interface Database {
  /**
   * Runs the work in a read-only transaction as the caller. The work's statements are sent before
   * the membership is known. Membership and work see one snapshot, so that a count matches its
   * page.
   */
  read<Value>(scope: RequestScope, work: (sql: Sql) => Promise<Value>): Promise<Value>;
  /**
   * Runs the work in one transaction as the caller. The whole work runs again after a serialization
   * failure or a deadlock.
   */
  write<Value>(
    scope: RequestScope,
    work: (sql: Sql, member: Member) => Promise<Value>,
    options?: WriteOptions<Value>,
  ): Promise<Value>;
  /** Runs the work in one transaction as the gateway's role. */
  asGateway<Value>(
    scope: TimedScope,
    work: (sql: Sql) => Promise<Value>,
    options?: Pick<WriteOptions<Value>, "repeatable">,
  ): Promise<Value>;
  /** Leases up to `size` requests of a caller's `limit` per window, which all isolates share. */
  leaseRequests(key: string, size: number, limit: number, windowSeconds: number): Promise<Lease>;
  /**
   * Returns the member of an API key, and notes that the key is used. Undefined when no key has this
   * hash. `userId`: the member that the key had before.
   */
  findKey(hash: string, userId?: string): Promise<KeyOwner | undefined>;
  /** Returns when the database answers. */
  ping(): Promise<void>;
  /** Closes all connections. */
  close(): Promise<void>;
}

const ATTEMPTS = 4;
const LOCK_TIMEOUT = "4s";

/** Creates the database of these settings. It connects with the first transaction. */
export function createDatabase(settings: Settings): Database {
  const { timeLimits } = settings;
  const workspaces = createWorkspaces();
  const pool = createPool(settings, workspaces.of);
  const run = <Value>(
    scope: TimedScope,
    work: (sql: Sql) => Promise<Value>,
    { caller = scope.caller?.userId ?? GATEWAY, repeatable = false } = {},
  ) =>
    timed(
      scope,
      () =>
        retrying(timeLeft(scope, timeLimits.transaction), (milliseconds) =>
          withConnection(pool, { caller, milliseconds }, work), repeatable),
    );
  const asMember = (scope: RequestScope): RequestScope => ({
    ...scope,
    authorise(member) {
      workspaces.remember(scope.caller.userId, member.workspace_id);
      scope.authorise(member);
    },
  });
  const ofItself = () => ({ timing: { databaseMs: 0 } });
  return {
    read: (scope, work) => run(scope, (sql) => read(sql, asMember(scope), work, timeLimits.answer)),
    write: (scope, work, options = {}) =>
      run(
        scope,
        (sql) => write(sql, asMember(scope), work, options, timeLimits.answer),
        { repeatable: options.repeatable },
      ),
    asGateway: (scope, work, { repeatable } = {}) =>
      run(scope, (sql) => asGateway(sql, work, timeLimits.answer), { repeatable }),
    leaseRequests: (key, ...terms) =>
      run(ofItself(), (sql) => leaseRequests(sql, timeLimits.answer, key, ...terms), {
        caller: key,
      }),
    findKey: (hash, userId = UNKNOWN_KEYS) =>
      run(ofItself(), (sql) => findKey(sql, timeLimits.answer, hash), { caller: userId }),
    ping: () =>
      run(ofItself(), async (sql) => void await firstStatement(sql`select 1`, timeLimits.answer)),
    close: () => pool.close(),
  };
}

/** The caller of work that belongs to no user: jobs and probes. */
const GATEWAY = "";
/** The caller of all keys that were not seen before: a flood of invented ones takes turns as one. */
const UNKNOWN_KEYS = "unknown keys";
const REMEMBERED_CALLERS = 10_000;

/** Remembers the workspace of each caller. An unknown caller counts as a workspace. */
function createWorkspaces() {
  const known = new Map<string, string>();
  return {
    of: (caller: string) => known.get(caller) ?? caller,
    remember(caller: string, workspace: string): void {
      if (known.size >= REMEMBERED_CALLERS) known.clear();
      known.set(caller, workspace);
    },
  };
}

/** Returns a function of the time that a request's transactions still may take, in milliseconds. */
function timeLeft({ timing, limitsEach }: TimedScope, limit: number): () => number {
  const end = performance.now() + limit - (limitsEach ? 0 : timing.databaseMs);
  return () => end - performance.now();
}

async function read<Value>(
  sql: Sql,
  scope: RequestScope,
  work: (sql: Sql) => Promise<Value>,
  answerLimit: number,
): Promise<Value> {
  const begun = outcomeOf(sql`begin isolation level repeatable read read only`.execute());
  const opened = outcomeOf(openAsCaller(sql, scope));
  // In an async function: work that throws at once must not leave the transaction open.
  const working = outcomeOf((async () => await work(sql))());
  let open = true;
  try {
    await firstStatement(begun.then(unwrap), answerLimit);
    scope.authorise(memberOf(unwrap(await withTimeout(opened, answerLimit)), scope.caller));
    return unwrap(await working);
  } catch (error) {
    open = !isConnectionLost(error);
    // The next request gets this connection, so all statements of this one must have ended. The
    // driver would lose a statement that is still queued when the connection is released.
    if (open) {
      await working;
      await outcomeOf(sql`rollback`.execute());
      open = false;
    }
    throw error;
  } finally {
    // A read-only transaction has nothing to commit: the answer need not wait for its end.
    if (open) void outcomeOf(sql`rollback`.execute());
  }
}

async function write<Value>(
  sql: Sql,
  scope: RequestScope,
  work: (sql: Sql, member: Member) => Promise<Value>,
  { dryRun, hooks }: WriteOptions<Value>,
  answerLimit: number,
): Promise<Value> {
  const begun = outcomeOf(sql`begin`.execute());
  const lookedUp = outcomeOf(hooks ? hooks.before(sql) : Promise.resolve(undefined));
  const opened = outcomeOf(openAsCaller(sql, scope));
  let recorded: ReturnType<typeof outcomeOf<string | undefined>> | undefined;
  const value = await ending<Value>(sql, async () => {
    await firstStatement(begun.then(unwrap), answerLimit);
    const earlier = unwrap(await lookedUp);
    const member = memberOf(unwrap(await withTimeout(opened, answerLimit)), scope.caller);
    scope.authorise(member);
    if (earlier !== undefined) return { value: earlier, commits: false };
    const value = await work(sql, member);
    if (dryRun) return { value, commits: false };
    // Sent with the commit: the answer is read after it.
    recorded = outcomeOf(recordedChange(sql));
    if (hooks) {
      const switchingBack = outcomeOf(sql`select set_config('role', 'none', true)`.execute());
      await hooks.after(sql, value, unwrap(await recorded));
      unwrap(await switchingBack);
    }
    return { value, commits: true };
  });
  if (recorded) scope.recorded.changeId = unwrap(await recorded) ?? scope.recorded.changeId;
  return value;
}

/** Returns the change that this transaction has recorded. Undefined when it changed no record. */
async function recordedChange(sql: Sql): Promise<string | undefined> {
  const [row] = await sql<{ id: string | null }[]>`
    select current_setting('portico.recorded_change', true) as id`.execute();
  return row?.id || undefined;
}

async function asGateway<Value>(
  sql: Sql,
  work: (sql: Sql) => Promise<Value>,
  answerLimit: number,
): Promise<Value> {
  return await ending(sql, async () => {
    await firstStatement(sql`begin`, answerLimit);
    return { value: await work(sql), commits: true };
  });
}

/**
 * Runs the statements of a transaction from its `begin`, and ends it: commits when they say so, rolls
 * back otherwise and when they fail. On a lost connection the server rolls back.
 * @throws Error when Postgres rolls back instead, since a statement failed whose error was caught.
 */
async function ending<Value>(
  sql: Sql,
  statements: () => Promise<{ value: Value; commits: boolean }>,
): Promise<Value> {
  let open = true;
  try {
    const { value, commits } = await statements();
    if (commits) {
      const { command } = await sql`commit`;
      open = false;
      if (command !== "COMMIT") throw new Error("The transaction had failed before its commit");
    }
    return value;
  } catch (error) {
    if (isConnectionLost(error)) open = false;
    throw error;
  } finally {
    if (open) await outcomeOf(sql`rollback`.execute());
  }
}

async function leaseRequests(
  sql: Sql,
  answerLimit: number,
  key: string,
  size: number,
  limit: number,
  windowSeconds: number,
): Promise<Lease> {
  const leasing = sql<{ leased: number; remaining: number; window_end: number }[]>`
    select leased, remaining, window_end
    from gateway.lease_requests(${key}, ${size}::integer, ${limit}::integer, ${windowSeconds}::integer)`;
  const [row] = await firstStatement(leasing, answerLimit);
  return row
    ? { left: row.leased, remaining: row.remaining, windowEnds: row.window_end * 1_000 }
    : { left: 0, remaining: 0, windowEnds: Date.now() + windowSeconds * 1_000 };
}

async function findKey(
  sql: Sql,
  answerLimit: number,
  hash: string,
): Promise<KeyOwner | undefined> {
  const finding = sql<{ found: KeyOwner | null }[]>`select gateway.use_api_key(${hash}) as found`;
  const [row] = await firstStatement(finding, answerLimit);
  return row?.found ?? undefined;
}

interface MembershipRow {
  membership:
    | (Member & { disabled: boolean; kind: "user" | "key"; key_status?: KeyStatus })
    | null;
}

async function openAsCaller(sql: Sql, scope: RequestScope): Promise<MembershipRow> {
  const { userId, keyHash } = scope.caller;
  const membership = keyHash === undefined
    ? sql`gateway.membership(${userId}::uuid)`
    : sql`gateway.api_key_member(${keyHash})`;
  const opening = sql<MembershipRow[]>`
    select
      set_config('request.jwt.claims', ${JSON.stringify(scope.caller.claims)}, true),
      set_config('portico.request_id', ${scope.requestId}, true),
      set_config('portico.operation', ${scope.operation}, true),
      set_config('statement_timeout', ${String(STATEMENT_TIMEOUT_MS)}, true),
      set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
      set_config('role', 'authenticated', true),
      (select ${membership}) as membership`;
  // Sent at once: no statement of the work may reach the database before the role has changed.
  const [row] = await opening.execute();
  return row ?? { membership: null };
}

/**
 * A token never makes its caller an API key, whatever id it names. A job goes on with what a key has
 * begun only while the key is active.
 */
function memberOf({ membership }: MembershipRow, { credential }: Caller): Member {
  const isKey = membership?.kind === "key" && !membership.disabled;
  if (credential === "key" || (credential === "none" && isKey)) {
    requireActive(membership?.key_status);
  }
  if (!membership || (credential === "token" && membership.kind === "key")) {
    throw new Problem("not_a_member", "Ask an administrator of the workspace for an invitation.");
  }
  if (membership.disabled) {
    throw new Problem(
      "member_disabled",
      "Ask an administrator of the workspace to enable you again.",
    );
  }
  return membership;
}

/**
 * Tries again after a serialization failure, a deadlock or a stale connection. Repeatable work is also
 * tried once more after a connection was lost, when it may have been committed or not. Each attempt gets
 * the time that is left.
 * @throws OutOfTime when no time is left.
 */
async function retrying<Value>(
  timeLeft: () => number,
  attempt: (milliseconds: number) => Promise<Value>,
  repeatable: boolean,
): Promise<Value> {
  let mayRepeat = repeatable;
  for (let left = ATTEMPTS - 1;; left--) {
    const milliseconds = timeLeft();
    if (milliseconds <= 0) throw new OutOfTime("The request has used up its time");
    try {
      return await attempt(milliseconds);
    } catch (error) {
      const repeats = mayRepeat && isConnectionLost(error);
      if (left === 0 || !(repeats || isRetryable(error))) throw error;
      if (repeats) mayRepeat = false;
    }
  }
}

async function timed<Value>(scope: TimedScope, work: () => Promise<Value>): Promise<Value> {
  const start = performance.now();
  try {
    return await work();
  } catch (error) {
    throw databaseProblem(error);
  } finally {
    scope.timing.databaseMs += performance.now() - start;
  }
}
