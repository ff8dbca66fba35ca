/** Connections to the database: opened lazily, reserved for one piece of work, given up when they hang. */
import type postgres from "postgres";
import type { Sql } from "./sql.ts";
import { isClosedByServer, isConnectionLost, NoAnswer, StaleConnection } from "./problems.ts";
import { connectionOptions } from "./url.ts";
import type { Settings } from "../settings.ts";

const ANSWER_WITHIN_MS = 4_000;
/** Longer than any statement may take: beyond it the server itself hangs. */
const FINISH_WITHIN_MS = 15_000;
/** What other connections may still finish when one is lost. */
const GRACE_SECONDS = 10;

/** The connections of an isolate. */
export interface Pool {
  client(): Promise<postgres.Sql>;
  /** New connections from now on; the old ones have some time to finish what they do. */
  replace(broken: postgres.Sql, graceSeconds: number): void;
  end(): Promise<void>;
}

/** The driver, with the Node modules that it needs, loads with the first statement. */
export function createPool(settings: Settings): Pool {
  const options = connectionOptions(settings);
  let current: postgres.Sql | undefined;
  return {
    async client() {
      if (current) return current;
      const { default: connect } = await import("postgres");
      return current ??= connect(options);
    },
    replace(broken, graceSeconds) {
      if (current !== broken) return;
      current = undefined;
      void broken.end({ timeout: graceSeconds }).catch(() => {});
    },
    end: async () => await current?.end({ timeout: 1 }),
  };
}

/** Reserves a connection for the work; a server that hangs costs the whole pool, not the request. */
export async function inConnection<Value>(
  pool: Pool,
  work: (sql: Sql) => Promise<Value>,
): Promise<Value> {
  const client = await pool.client();
  let sql: Sql | undefined;
  try {
    sql = await reserve(client);
    return await promptly(work(sql), FINISH_WITHIN_MS);
  } catch (error) {
    // The driver would hand a connection that has closed to the next request.
    if (error instanceof StaleConnection || (sql && isConnectionLost(error))) {
      pool.replace(client, error instanceof NoAnswer ? 0 : GRACE_SECONDS);
    }
    throw error;
  } finally {
    sql?.release();
  }
}

/** No connection in time: all are busy, or none can be made. Those that are busy go on. */
async function reserve(client: postgres.Sql): Promise<Sql> {
  const reserving = client.reserve();
  try {
    return await promptly(reserving);
  } catch (error) {
    if (error instanceof NoAnswer) reserving.then((late) => late.release(), () => {});
    throw asStale(error);
  }
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
