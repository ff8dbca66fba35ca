/**
 * Connections to the database. A connection opens when work needs it, serves one piece of work at a
 * time, and closes when it is idle, too old or does not answer.
 */
import type postgres from "postgres";
import type { Settings } from "../settings.ts";
import {
  ClosedConnection,
  isClosedByServer,
  isConnectionLost,
  NoAnswer,
  StaleConnection,
} from "./problems.ts";
import type { Sql } from "./sql.ts";
import { connectionOptions } from "./url.ts";

const IDLE_TIMEOUT_MS = 20_000;
const MAXIMUM_AGE_MS = 1_800_000;

type Options = ReturnType<typeof connectionOptions>;

/** An open connection: a client of the driver with one reserved connection. */
interface Connection {
  sql: Sql;
  client: postgres.Sql;
  openedAt: number;
  isClosed(): boolean;
}

/** A place for one connection. Only the work that has acquired the slot uses its connection. */
interface Slot {
  connection?: Connection;
  idleTimer?: ReturnType<typeof setTimeout>;
}

/** The connections of an isolate. */
interface Pool {
  options: Options;
  limits: Settings["timeLimits"];
  /** Waits for a free slot. Throws `NoAnswer` when no slot becomes free in time. */
  acquire(): Promise<Slot>;
  release(slot: Slot): void;
  /** Closes the connections that are not in use. */
  closeIdle(): Promise<unknown>;
  /** Closes all connections. Connections in use have one second to finish. */
  close(): Promise<void>;
}

/**
 * Creates the pool of these settings. It opens no connection yet. Requests wait for a slot here and
 * not in the driver, which loses its waiting requests when a connection closes.
 */
export function createPool(settings: Settings): Pool {
  const { timeLimits: limits } = settings;
  const slots: Slot[] = Array.from({ length: settings.databaseConnections }, () => ({}));
  const free = [...slots];
  const waiting = new Set<(slot: Slot) => void>();
  const closeIdle = () => Promise.all(free.map(closeIdleConnection));
  return {
    options: connectionOptions(settings),
    limits,
    acquire: () => {
      const slot = free.pop();
      clearTimeout(slot?.idleTimer);
      return slot ? Promise.resolve(slot) : waitForSlot(waiting, limits.answer);
    },
    release(slot) {
      const [next] = waiting;
      if (next) return next(slot);
      free.push(slot);
      if (!slot.connection) return;
      slot.idleTimer = setTimeout(() => closeIdleConnection(slot), IDLE_TIMEOUT_MS);
    },
    closeIdle,
    async close() {
      const used = slots.filter((slot) => !free.includes(slot));
      await Promise.all([closeIdle(), ...used.map((slot) => close(slot, 1))]);
    },
  };
}

function waitForSlot(waiting: Set<(slot: Slot) => void>, milliseconds: number): Promise<Slot> {
  return new Promise((resolve, reject) => {
    const take = (slot: Slot) => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve(slot);
    };
    const timer = setTimeout(() => {
      waiting.delete(take);
      reject(new NoAnswer("No connection to the database became free in time"));
    }, milliseconds);
    waiting.add(take);
  });
}

/**
 * Runs the work on a connection that no other work uses, and returns its value. Statements that the
 * work sends after its end are refused: another request has the connection then.
 * @throws NoAnswer when no connection becomes free, or the work does not finish, in time.
 * @throws StaleConnection when the connection was closed before the work began.
 */
export async function withConnection<Value>(
  pool: Pool,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const deadline = Date.now() + pool.limits.answer;
  const slot = await pool.acquire();
  let ended = false;
  try {
    const { sql, isClosed } = await openConnection(slot, pool.options, deadline - Date.now());
    const guarded = refuseWhenClosed(sql, () => ended || isClosed());
    return await withTimeout(work(guarded), pool.limits.transaction);
  } catch (error) {
    if (isConnectionLost(error)) {
      void close(slot, 0);
      // The cause has probably broken the other connections too.
      void pool.closeIdle();
    }
    throw error;
  } finally {
    ended = true;
    pool.release(slot);
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
  const client = createClient({ ...options, max: 1, onclose: () => closed = true });
  try {
    // Opens the connection first: the driver can reserve only an open connection safely.
    await withTimeout(client`select 1`, timeoutMs);
    const sql = closed ? undefined : await client.reserve();
    if (closed || !sql) throw new StaleConnection("The connection was closed while it opened");
    return { sql, client, openedAt: Date.now(), isClosed: () => closed };
  } catch (error) {
    void client.end({ timeout: 0 }).catch(() => {});
    throw asStale(error);
  }
}

/** Makes a statement on a closed connection throw: the driver would end the process. */
function refuseWhenClosed(sql: Sql, isClosed: () => boolean): Sql {
  return new Proxy(sql, {
    apply(target, self, parameters) {
      if (isClosed()) throw new ClosedConnection("The connection to the database was closed");
      return Reflect.apply(target, self, parameters);
    },
  });
}

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
export async function withTimeout<Value>(
  promise: PromiseLike<Value>,
  milliseconds: number,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoAnswer("The database did not answer in time")),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
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
