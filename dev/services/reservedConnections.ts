/**
 * Reserved connections that survive the loss of the database. The driver (postgres.js 3.4.9) ends the
 * process when a statement is sent on a reserved connection that was closed, may never settle a
 * statement that was sent just before, and hands the connection out again when it is released.
 * Source: https://github.com/porsager/postgres/issues/1208
 */

import postgres from "postgres";

/** Codes of the driver, of the system, and of a server that stops or recovers. */
const LOST_CONNECTION = /^(CONNECTION_|ECONN|EPIPE|57P0)/;

/** A client of the driver with its one connection, which is reserved. */
interface Reserved {
  client: postgres.Sql;
  sql: postgres.ReservedSql;
  isClosed(): boolean;
  /** Passes a statement on. It is rejected when the connection closes. */
  run<Statement>(send: () => Statement): Statement;
}

/** The driver's query, with the member by which the driver rejects it. */
interface DriverQuery {
  reject(error: unknown): void;
}

/** Replaces `reserve` and `end` of a client by ones that use connections of their own. */
export function withSafeReserve<Client extends postgres.Sql>(sql: Client): Client {
  const connections = new ReservedConnections(sql.options);
  const end = sql.end.bind(sql);
  return Object.assign(sql, {
    reserve: () => connections.reserve(),
    end: async (options?: { timeout?: number }) => {
      await Promise.all([end(options), connections.end()]);
    },
  });
}

/**
 * Runs `work` in a transaction on a reserved connection, and returns its value. Rejects with the error of
 * the work, or of the database.
 */
export async function inTransaction<Value>(
  sql: postgres.Sql,
  work: (transaction: postgres.ReservedSql) => Promise<Value>,
): Promise<Value> {
  const reserved = await sql.reserve();
  try {
    await reserved`begin`;
    const value = await work(reserved);
    await reserved`commit`;
    return value;
  } catch (error) {
    await rollback(reserved);
    throw error;
  } finally {
    reserved.release();
  }
}

/** The database rolls back by itself when the connection was closed. */
async function rollback(reserved: postgres.ReservedSql): Promise<void> {
  try {
    await reserved`rollback`;
  } catch {
    // The error that led here says more.
  }
}

/**
 * Logs the rejections of promises that the driver keeps for itself: a connection was lost while it
 * opened. They would end the process. Disposing it stops that.
 */
export function logLostConnections(log: (line: string) => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    const { reason } = event;
    if (!(reason instanceof Error) || !("code" in reason)) return;
    if (!LOST_CONNECTION.test(String(reason.code))) return;
    event.preventDefault();
    log(`database: ${reason.message}`);
  };
  addEventListener("unhandledrejection", onRejection);
  return { [Symbol.dispose]: () => removeEventListener("unhandledrejection", onRejection) };
}

/** Connections that one caller uses at a time. As many stay open as the client may have. */
class ReservedConnections {
  #free: Reserved[] = [];
  #ended = false;

  constructor(private options: postgres.Sql["options"]) {}

  /**
   * Reserves a connection until `release`. Statements on it reject when it was closed.
   * Rejects when the database cannot be reached.
   */
  async reserve(): Promise<postgres.ReservedSql> {
    const reserved = this.#takeFree() ?? await open(this.options);
    let released = false;
    const release = () => {
      if (!released) this.#giveBack(reserved);
      released = true;
    };
    const { sql, run } = reserved;
    const unsafe: postgres.ReservedSql["unsafe"] = (...parameters) =>
      run(() => sql.unsafe(...parameters));
    return new Proxy(sql, {
      apply: (target, self, parameters) => run(() => Reflect.apply(target, self, parameters)),
      get: (target, name) =>
        name === "release" ? release : name === "unsafe" ? unsafe : Reflect.get(target, name),
    });
  }

  /** Closes the free connections. Later ones close when they are released. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#free.splice(0).map(({ client }) => client.end({ timeout: 0 })));
  }

  #takeFree(): Reserved | undefined {
    this.#free = this.#free.filter(({ isClosed }) => !isClosed());
    return this.#free.pop();
  }

  #giveBack(reserved: Reserved): void {
    const { client, isClosed } = reserved;
    if (!isClosed() && !this.#ended && this.#free.length < this.options.max) {
      this.#free.push(reserved);
    } else void client.end({ timeout: 0 }).catch(() => {});
  }
}

async function open(options: postgres.Sql["options"]): Promise<Reserved> {
  let closed: Error | undefined;
  let last: unknown;
  const onclose = () => {
    const error = Object.assign(new Error("The connection to the database was closed"), {
      code: "CONNECTION_CLOSED",
    });
    closed = error;
    // The driver's own errors say more, so they come first.
    setTimeout(() => isDriverQuery(last) && last.reject(error));
  };
  const run = <Statement>(send: () => Statement): Statement => {
    if (closed) throw closed;
    const statement = send();
    last = statement;
    return statement;
  };
  // The driver takes its own complete options, which it also passes on for `listen`.
  const own: object = { ...options, max: 1, onclose };
  const client = postgres(own);
  try {
    // The driver can reserve only an open connection safely.
    await run(() => client`select 1`);
    return { client, sql: await run(() => client.reserve()), isClosed: () => !!closed, run };
  } catch (error) {
    void client.end({ timeout: 0 }).catch(() => {});
    throw error;
  }
}

function isDriverQuery(value: unknown): value is DriverQuery {
  return value instanceof Promise && "reject" in value && typeof value.reject === "function";
}
