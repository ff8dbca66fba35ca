/** Connections to the database: opened when needed, each used by one piece of work at a time, closed when they hang. */
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

const ANSWER_WITHIN_MS = 4_000;
/** Longer than any statement may take: beyond it the server itself hangs. */
const FINISH_WITHIN_MS = 15_000;
const IDLE_MS = 20_000;
const LIFETIME_MS = 1_800_000;

type Options = ReturnType<typeof connectionOptions>;

/** An open connection: a client of the driver's own, whose only connection stays reserved. */
interface Connection {
  sql: Sql;
  client: postgres.Sql;
  openedAt: number;
  isClosed(): boolean;
}

/** Room for one connection. Whoever has taken the slot is alone on its connection. */
interface Slot {
  connection?: Connection;
  idleTimer?: ReturnType<typeof setTimeout>;
}

/** The connections of an isolate. */
export interface Pool {
  options: Options;
  /** Waits for a free slot; throws `NoAnswer` when none gets free in time. */
  take(): Promise<Slot>;
  give(slot: Slot): void;
  /** Closes the connections that nobody uses. */
  closeFree(): Promise<unknown>;
  /** Closes all connections; those in use have one second to finish. */
  end(): Promise<void>;
}

/**
 * Requests wait for a slot here, never in the driver: its queue forgets those that wait when a
 * connection closes, so that they would wait in vain.
 */
export function createPool(settings: Settings): Pool {
  const slots: Slot[] = Array.from({ length: settings.databaseConnections }, () => ({}));
  const free = [...slots];
  const waiting = new Set<(slot: Slot) => void>();
  const closeFree = () => Promise.all(free.map(closeUnused));
  return {
    options: connectionOptions(settings),
    take: () => {
      const slot = free.pop();
      clearTimeout(slot?.idleTimer);
      return slot ? Promise.resolve(slot) : waitForSlot(waiting);
    },
    give(slot) {
      const [next] = waiting;
      if (next) return next(slot);
      free.push(slot);
      if (slot.connection) slot.idleTimer = setTimeout(() => closeUnused(slot), IDLE_MS);
    },
    closeFree,
    async end() {
      const used = slots.filter((slot) => !free.includes(slot));
      await Promise.all([closeFree(), ...used.map((slot) => close(slot, 1))]);
    },
  };
}

function waitForSlot(waiting: Set<(slot: Slot) => void>): Promise<Slot> {
  return new Promise((resolve, reject) => {
    const take = (slot: Slot) => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve(slot);
    };
    const timer = setTimeout(() => {
      waiting.delete(take);
      reject(new NoAnswer("No connection to the database became free in time"));
    }, ANSWER_WITHIN_MS);
    waiting.add(take);
  });
}

/**
 * Runs the work on a connection of its own; a connection that is lost is closed. Statements that the
 * work sends after its end are refused: the connection is then another's.
 */
export async function inConnection<Value>(
  pool: Pool,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const deadline = Date.now() + ANSWER_WITHIN_MS;
  const slot = await pool.take();
  let ended = false;
  try {
    const { sql, isClosed } = await openConnection(slot, pool.options, deadline - Date.now());
    const guarded = refusingWhen(() => ended || isClosed(), sql);
    return await promptly(work(guarded), FINISH_WITHIN_MS);
  } catch (error) {
    if (isConnectionLost(error)) {
      void close(slot, 0);
      // What broke this connection has probably broken the others too.
      void pool.closeFree();
    }
    throw error;
  } finally {
    ended = true;
    pool.give(slot);
  }
}

/** The slot's connection, or a new one when it has none that can be used. */
async function openConnection(
  slot: Slot,
  options: Options,
  withinMs: number,
): Promise<Connection> {
  const { connection } = slot;
  const expired = connection && Date.now() > connection.openedAt + LIFETIME_MS;
  if (expired || connection?.isClosed()) void closeUnused(slot);
  return slot.connection ??= await connect(options, withinMs);
}

/** The driver, with the Node modules that it needs, loads with the first connection. */
async function connect(options: Options, withinMs: number): Promise<Connection> {
  const { default: createClient } = await import("postgres");
  let closed = false;
  const client = createClient({ ...options, max: 1, onclose: () => closed = true });
  try {
    // Opens the connection: the driver reserves an open one at once, and only such a one safely.
    await promptly(client`select 1`, withinMs);
    const sql = closed ? undefined : await client.reserve();
    if (closed || !sql) throw new StaleConnection("The connection was closed meanwhile");
    return { sql, client, openedAt: Date.now(), isClosed: () => closed };
  } catch (error) {
    void client.end({ timeout: 0 }).catch(() => {});
    throw asStale(error);
  }
}

/** A statement on a closed connection throws; the driver would end the process. */
function refusingWhen(isClosed: () => boolean, sql: Sql): Sql {
  return new Proxy(sql, {
    apply(target, self, given) {
      if (isClosed()) throw new ClosedConnection("The connection to the database was closed");
      return Reflect.apply(target, self, given);
    },
  });
}

/** Closes a connection that nobody uses. */
async function closeUnused(slot: Slot): Promise<void> {
  slot.connection?.sql.release();
  await close(slot, 1);
}

/** Closes the slot's connection; what is under way on it fails after `graceSeconds`. */
async function close(slot: Slot, graceSeconds: number): Promise<void> {
  clearTimeout(slot.idleTimer);
  const { connection } = slot;
  slot.connection = undefined;
  await connection?.client.end({ timeout: graceSeconds }).catch(() => {});
}

/** What the first statement on a connection brings: only now is it known not to be stale. */
export async function first<Value>(statement: PromiseLike<Value>): Promise<Value> {
  try {
    return await promptly(statement);
  } catch (error) {
    throw asStale(error);
  }
}

function asStale(error: unknown): unknown {
  if (!isClosedByServer(error)) return error;
  return new StaleConnection("The connection was closed meanwhile", { cause: error });
}

/** The value, or `NoAnswer` when it takes too long. */
export async function promptly<Value>(
  promise: PromiseLike<Value>,
  milliseconds = ANSWER_WITHIN_MS,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoAnswer("The database did not answer in time")),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What has become of a promise. */
export type Settled<Value> = { value: Value } | { error: unknown };

/** Pipelined statements fail in their own time: a promise that never rejects holds each outcome. */
export async function settled<Value>(promise: PromiseLike<Value>): Promise<Settled<Value>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** The value, or the error thrown. */
export function rethrow<Value>(outcome: Settled<Value>): Value {
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
