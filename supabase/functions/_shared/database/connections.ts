/**
 * Connections to the database. A connection opens when work needs it, serves one piece of work at a
 * time, and closes when it is idle, too old or does not answer.
 */
import type postgres from "postgres";
import { inTime } from "../inTime.ts";
import { invariant } from "../problem.ts";
import type { Settings } from "../settings.ts";
import {
  ClosedConnection,
  isClosedByServer,
  isConnectionLost,
  NoAnswer,
  StaleConnection,
} from "./problems.ts";
import { createFairQueue } from "./queue.ts";
import type { Sql } from "./sql.ts";
import { connectionOptions } from "./url.ts";

/** How long a cancelled statement may take to end. */
const CANCEL_TIMEOUT_MS = 1_000;
/** How long a connection may take to open for work that has waited long. */
const OPENING_TIMEOUT_MS = 1_000;
const IDLE_TIMEOUT_MS = 20_000;
const MAXIMUM_AGE_MS = 1_800_000;

type Options = ReturnType<typeof connectionOptions>;

/** An open connection: a client of the driver with one reserved connection. */
interface Connection {
  sql: Sql;
  client: postgres.Sql;
  openedAt: number;
  isClosed(): boolean;
  /** Asks the server to stop the statement that runs. */
  cancel(): Promise<void>;
  /** Called when the connection closes. Set while work runs on the connection. */
  onClosed?(error: ClosedConnection): void;
}

/** A place for one connection. Only the work that has acquired the slot uses its connection. */
interface Slot {
  connection?: Connection;
  idleTimer?: ReturnType<typeof setTimeout>;
}

/** A slot, until its work has ended. `answered`: the database has answered to the work. */
interface Lease {
  slot: Slot;
  release(answered: boolean): void;
}

/** The connections of an isolate. */
interface Pool {
  options: Options;
  limits: Settings["timeLimits"];
  /**
   * Waits for a free slot. Callers of the same workspace share their turns. `milliseconds` is how long
   * to wait without any answer of the database, `longest` how long while it answers other work.
   * @throws Overloaded or NoAnswer when no slot becomes free in time.
   */
  acquire(caller: string, milliseconds: number, longest: number): Promise<Lease>;
  /** Closes the connections that are not in use. */
  closeIdle(): Promise<unknown>;
  /** Closes all connections. Connections in use have one second to finish. */
  close(): Promise<void>;
}

/**
 * Creates the pool of these settings. It opens no connection yet. Requests wait for a slot here and
 * not in the driver, which loses its waiting requests when a connection closes.
 */
export function createPool(
  settings: Settings,
  workspaceOf: (caller: string) => string = (caller) => caller,
): Pool {
  const { timeLimits: limits, databaseConnections } = settings;
  const slots: Slot[] = Array.from({ length: databaseConnections }, () => ({}));
  const free = [...slots];
  const queue = createFairQueue(databaseConnections, workspaceOf);
  const closeIdle = () => Promise.all(free.map(closeIdleConnection));
  return {
    options: connectionOptions(settings),
    limits,
    async acquire(caller, milliseconds, longest) {
      const endTurn = await queue.turn(caller, milliseconds, longest);
      const slot = invariant(free.pop(), "A turn without a free slot");
      clearTimeout(slot.idleTimer);
      const release = (answered: boolean) => {
        free.push(slot);
        if (slot.connection) {
          slot.idleTimer = setTimeout(() => closeIdleConnection(slot), IDLE_TIMEOUT_MS);
        }
        endTurn(answered);
      };
      return { slot, release };
    },
    closeIdle,
    async close() {
      const used = slots.filter((slot) => !free.includes(slot));
      await Promise.all([closeIdle(), ...used.map((slot) => close(slot, 1))]);
    },
  };
}

/** Whom work is for, and how long it may take with its waiting. */
interface Terms {
  caller: string;
  milliseconds: number;
}

/**
 * Runs the work on a connection that no other work uses, and returns its value. Statements that the
 * work sends after its end are refused: another request has the connection then.
 * @throws Overloaded when other work has all connections.
 * @throws NoAnswer when no connection becomes free, or the database does not answer, in time.
 * @throws StaleConnection when the connection was closed before the work began.
 */
export async function withConnection<Value>(
  pool: Pool,
  { caller, milliseconds }: Terms,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const { limits, options } = pool;
  const start = Date.now();
  const left = (limit: number) => Math.max(0, start + limit - Date.now());
  const answerLimit = Math.min(limits.answer, milliseconds);
  // The work keeps the time that one answer may take.
  const longest = Math.max(answerLimit, milliseconds - answerLimit);
  const { slot, release } = await pool.acquire(caller, answerLimit, longest);
  let ended = false;
  let answered = true;
  try {
    const openingLimit = Math.max(left(answerLimit), OPENING_TIMEOUT_MS);
    const connection = await openConnection(slot, options, openingLimit);
    const isClosed = () => ended || connection.isClosed();
    const guarded = guardedSql(connection.sql, isClosed, options.prepare !== false);
    return await untilDeadline(
      untilClosed(work(guarded), connection),
      left(milliseconds),
      connection,
    );
  } catch (error) {
    if (isConnectionLost(error)) {
      answered = false;
      void close(slot, 0);
      // The cause has probably broken the other connections too.
      void pool.closeIdle();
    }
    throw error;
  } finally {
    ended = true;
    release(answered);
  }
}

/**
 * Returns the value of the work. After the time it cancels the statement that runs, so that the server
 * works no longer than the request.
 */
async function untilDeadline<Value>(
  work: Promise<Value>,
  milliseconds: number,
  connection: Connection,
): Promise<Value> {
  const finished = outcomeOf(work);
  const outcome = await outcomeOf(withTimeout(finished, milliseconds));
  if ("value" in outcome) return unwrap(outcome.value);
  void outcomeOf(connection.cancel());
  // A late cancellation must not meet other work on this connection.
  connection.openedAt = 0;
  return unwrap(await withTimeout(finished, Math.min(CANCEL_TIMEOUT_MS, milliseconds)));
}

/**
 * Returns the value of the work.
 * @throws ClosedConnection when the connection closes first.
 */
async function untilClosed<Value>(work: Promise<Value>, connection: Connection): Promise<Value> {
  // Each race has a promise of its own: one that lives as long as the connection would keep the values
  // of all races in memory.
  const closed = Promise.withResolvers<never>();
  connection.onClosed = closed.reject;
  try {
    return await Promise.race([work, closed.promise]);
  } finally {
    connection.onClosed = undefined;
  }
}

/** Returns the slot's connection, or opens a new one when the slot has no usable connection. */
async function openConnection(
  slot: Slot,
  options: Options,
  timeoutMs: number,
): Promise<Connection> {
  const { connection } = slot;
  const expired = connection && Date.now() > connection.openedAt + MAXIMUM_AGE_MS;
  if (expired || connection?.isClosed()) void closeIdleConnection(slot);
  return slot.connection ??= await connect(options, timeoutMs);
}

/** Loads the driver with the first connection: it and its Node modules would slow a cold start. */
async function connect(options: Options, timeoutMs: number): Promise<Connection> {
  const { default: createClient } = await import("postgres");
  let closed = false;
  let connection: Connection | undefined;
  const onclose = () => {
    closed = true;
    // The driver never settles a statement that is queued behind others when the connection closes.
    // The errors of the other statements say more, so they come first.
    setTimeout(() =>
      connection?.onClosed?.(new ClosedConnection("The connection to the database was closed"))
    );
  };
  const client = createClient({ ...options, max: 1, onclose });
  try {
    // Opens the connection first: the driver can reserve only an open connection safely.
    const opening = client`select 1`;
    await withTimeout(opening, timeoutMs);
    const sql = closed ? undefined : await client.reserve();
    if (closed || !sql) throw new StaleConnection("The connection was closed while it opened");
    const cancel = () => cancelOnConnectionOf(opening);
    return connection = { sql, client, openedAt: Date.now(), isClosed: () => closed, cancel };
  } catch (error) {
    void client.end({ timeout: 0 }).catch(() => {});
    throw asStale(error);
  }
}

/** The members of the driver's query that a cancellation uses. */
interface CancellableQuery {
  active: boolean;
  canceller(query: unknown): Promise<void>;
}

/**
 * Cancels the statement that runs on the connection of an earlier query. A cancellation names the
 * connection (PostgreSQL, "Canceling Requests in Progress", 53.2.8), but the driver sends it only for
 * a query that is active.
 */
async function cancelOnConnectionOf(earlier: object): Promise<void> {
  const query = Object.assign(earlier, { active: true }) as unknown as CancellableQuery;
  await query.canceller(query);
}

/**
 * Makes a statement on a closed connection throw: the driver would end the process. Without prepared
 * statements it also saves the round trip by which the driver asks for the types of parameters.
 */
function guardedSql(sql: Sql, isClosed: () => boolean, isPrepared: boolean): Sql {
  return new Proxy(sql, {
    apply(target, self, parameters) {
      if (isClosed()) throw new ClosedConnection("The connection to the database was closed");
      const built = Reflect.apply(target, self, parameters);
      if (!isPrepared && built instanceof Promise) Object.defineProperty(built, ...SENT_AT_ONCE);
      return built;
    },
  });
}

/**
 * The driver (postgres.js 3.4.9) describes a statement with parameters first, and sends nothing else
 * until the answer has come. It asks this member of a query whether to. Postgres derives the types by
 * itself, and values are sent as text.
 */
const SENT_AT_ONCE = ["describeFirst", { get: () => false, set: () => {} }] as const;

/** Closes a connection that is not in use. */
async function closeIdleConnection(slot: Slot): Promise<void> {
  slot.connection?.sql.release();
  await close(slot, 1);
}

/** Closes the slot's connection. Statements that still run on it fail after `graceSeconds`. */
async function close(slot: Slot, graceSeconds: number): Promise<void> {
  clearTimeout(slot.idleTimer);
  const { connection } = slot;
  slot.connection = undefined;
  await connection?.client.end({ timeout: graceSeconds }).catch(() => {});
}

/**
 * Waits for the first statement of a transaction, and returns its value.
 * @throws StaleConnection when the server had closed the connection: it shows with this statement.
 * @throws NoAnswer when the database does not answer in time.
 */
export async function firstStatement<Value>(
  statement: PromiseLike<Value>,
  milliseconds: number,
): Promise<Value> {
  try {
    return await withTimeout(statement, milliseconds);
  } catch (error) {
    throw asStale(error);
  }
}

function asStale(error: unknown): unknown {
  if (!isClosedByServer(error)) return error;
  return new StaleConnection("The server has closed the connection", { cause: error });
}

/**
 * Waits for a promise, and returns its value.
 * @throws NoAnswer when it takes longer than `milliseconds`.
 */
export function withTimeout<Value>(
  promise: PromiseLike<Value>,
  milliseconds: number,
): Promise<Value> {
  return inTime(promise, milliseconds, () => new NoAnswer("The database did not answer in time"));
}

/** The outcome of a promise: its value, or the error that it was rejected with. */
type Outcome<Value> = { value: Value } | { error: unknown };

/**
 * Returns a promise of the outcome, which is never rejected. A pipelined statement may fail before
 * its outcome is awaited, and an unhandled rejection would end the process.
 */
export async function outcomeOf<Value>(promise: PromiseLike<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** Returns the value of an outcome, or throws its error. */
export function unwrap<Value>(outcome: Outcome<Value>): Value {
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/**
 * The values of statements that were sent together. Throws the error of the first one that failed: the
 * later ones fail only because the transaction is aborted, and may report it earlier.
 */
export async function pipelined<Statements extends readonly unknown[] | []>(
  statements: Statements,
): Promise<{ -readonly [Index in keyof Statements]: Awaited<Statements[Index]> }> {
  const values = Promise.all(statements);
  const [, ...outcomes] = await Promise.allSettled([values, ...statements]);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  return await values;
}
