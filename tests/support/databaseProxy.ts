/**
 * A TCP proxy in front of the database: it counts statements and round trips, and can fail at any
 * statement, like a failing network or server.
 * Source of the message formats: PostgreSQL, "Frontend/Backend Protocol", 53.7.
 */
import { assert } from "@std/assert";
import { waitUntil } from "../../dev/process.ts";
import {
  type DatabaseAddress,
  parseDatabaseUrl,
} from "../../supabase/functions/_shared/database/url.ts";
import { type AppUnderTest, testSettings, withApp } from "./app.ts";
import { sql } from "./database.ts";

/**
 * What happens to a statement:
 * - `before`: the connection breaks before the statement reaches the database;
 * - `after`: the database executes it, and the connection breaks before its answer;
 * - `half`: the database executes it, and the connection breaks in the middle of its answer;
 * - `silence`: the database executes it, and its answer never arrives.
 */
export type Fault = "before" | "after" | "half" | "silence";

/** The fault, and the number of the statement that meets it. */
interface Plan {
  failAt: number;
  fault: Fault;
  onFault(): void;
}

/** A running proxy. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The address that clients use instead of the database's. */
  url: string;
  /** Statements since `watch`. */
  statements: number;
  /** Round trips since `watch`: how often the client sent after an answer. */
  roundTrips: number;
  /** Whether a statement met its fault since `watch`. */
  broken: boolean;
  /** The name of its connections in `pg_stat_activity`, also when a pooler is between. */
  applicationName: string;
  /**
   * Counts from zero again. Fails at the n-th statement if one is given, and calls `onFault` before.
   */
  watch(failAt?: number, fault?: Fault, onFault?: () => void): void;
}

const DISCONNECTED_WITHIN = 60_000;
const DECODER = new TextDecoder();

/** Runs work with an app whose one connection to the database goes through a proxy. */
export async function withProxiedApp(
  work: (app: AppUnderTest, proxy: DatabaseProxy) => Promise<void>,
): Promise<void> {
  const { databaseUrl } = await testSettings();
  await using proxy = startDatabaseProxy(databaseUrl);
  await withApp({ databaseUrl: proxy.url, databaseConnections: 1 }, (app) => work(app, proxy));
}

/** Starts a proxy in front of the database of a URL. */
export function startDatabaseProxy(databaseUrl: string): DatabaseProxy {
  const target = parseDatabaseUrl(databaseUrl);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.TcpConn>();
  const plan: Plan = { failAt: Infinity, fault: "before", onFault() {} };
  const applicationName = `proxy_${crypto.randomUUID()}`;
  const proxy: DatabaseProxy = {
    url: proxyUrl(databaseUrl, target, listener.addr.port, applicationName),
    applicationName,
    statements: 0,
    roundTrips: 0,
    broken: false,
    watch(failAt = Infinity, fault = "before", onFault = () => {}) {
      Object.assign(plan, { failAt, fault, onFault });
      Object.assign(proxy, { statements: 0, roundTrips: 0, broken: false });
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) close(connection);
      await serving;
    },
  };
  const serving = serve(listener, target, connections, (client, server) => {
    const link = new Link(client, server, proxy, plan);
    return Promise.all([link.toServer(), link.toClient()]);
  });
  return proxy;
}

async function serve(
  listener: Deno.TcpListener,
  target: DatabaseAddress,
  connections: Set<Deno.TcpConn>,
  relay: (client: Deno.TcpConn, server: Deno.TcpConn) => unknown,
): Promise<void> {
  const relays: unknown[] = [];
  for await (const client of listener) {
    const server = await Deno.connect({ hostname: target.host, port: target.port });
    for (const connection of [client, server]) {
      connection.setNoDelay();
      connections.add(connection);
    }
    relays.push(relay(client, server));
  }
  await Promise.all(relays);
}

/** One connection of a client. */
class Link {
  #fromClient = new Messages(false);
  #fromServer = new Messages(true);
  #answered = false;
  /** Queries that were sent, and queries whose answer is complete. The start is the first answer. */
  #sent = 0;
  #complete = -1;
  /** The number of the query whose answer meets the fault. */
  #faulty = Infinity;
  #withheld: Uint8Array[] = [];

  constructor(
    readonly client: Deno.TcpConn,
    readonly server: Deno.TcpConn,
    readonly proxy: DatabaseProxy,
    readonly plan: Plan,
  ) {}

  async toServer(): Promise<void> {
    await this.#pump(this.client, async (chunk) => {
      if (this.#answered) this.proxy.roundTrips += 1;
      this.#answered = false;
      for (const message of this.#fromClient.take(chunk)) {
        // The server gets nothing after the query that meets the fault.
        if (this.#sent === this.#faulty) return;
        if (this.#meetsFault(message)) {
          this.proxy.broken = true;
          this.plan.onFault();
          if (this.plan.fault === "before") return this.#break();
          this.#faulty = this.#sent + 1;
        }
        if (endsQuery(message)) this.#sent += 1;
        await write(this.server, message);
      }
    });
  }

  async toClient(): Promise<void> {
    await this.#pump(this.server, async (chunk) => {
      this.#answered = true;
      for (const message of this.#fromServer.take(chunk)) {
        const isFaulty = this.#complete + 1 === this.#faulty;
        if (isFaulty) this.#withheld.push(message);
        else await write(this.client, message);
        if (typeOf(message) !== "Z") continue;
        this.#complete += 1;
        if (isFaulty) return await this.#fail();
      }
    });
  }

  #meetsFault(message: Uint8Array): boolean {
    if (!isStatement(message)) return false;
    this.proxy.statements += 1;
    return this.proxy.statements === this.plan.failAt;
  }

  /** The answer to the query that meets the fault is complete. */
  async #fail(): Promise<void> {
    if (this.plan.fault === "silence") return;
    const answer = this.#withheld.reduce(concat, new Uint8Array());
    if (this.plan.fault === "half") {
      await write(this.client, answer.subarray(0, Math.floor(answer.length / 2)));
    }
    this.#break();
  }

  #break(): void {
    close(this.client);
    close(this.server);
  }

  async #pump(
    from: Deno.TcpConn,
    take: (chunk: Uint8Array) => Promise<void> | void,
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        await take(buffer.slice(0, read));
      }
    } catch (error) {
      if (!isClosed(error)) throw error;
    } finally {
      this.#break();
    }
  }
}

/** Cuts a stream of bytes into messages. A client's first message has no type. */
class Messages {
  #pending = new Uint8Array();

  constructor(private isTyped: boolean) {}

  /** The messages that are complete with this chunk. */
  *take(chunk: Uint8Array): Generator<Uint8Array> {
    this.#pending = concat(this.#pending, chunk);
    for (;;) {
      const typeBytes = this.isTyped ? 1 : 0;
      if (this.#pending.length < typeBytes + 4) return;
      const length = typeBytes + new DataView(this.#pending.buffer).getUint32(typeBytes);
      if (this.#pending.length < length) return;
      // The first message has no type: its first byte is 0, as its length is below 2^24.
      const message = this.#pending.slice(0, length);
      this.#pending = this.#pending.slice(length);
      this.isTyped = true;
      yield message;
    }
  }
}

function typeOf(message: Uint8Array): string {
  return DECODER.decode(message.slice(0, 1));
}

/** Execute, or a simple query. */
function isStatement(message: Uint8Array): boolean {
  return ["E", "Q"].includes(typeOf(message));
}

/** Whether the server answers `ReadyForQuery` to it: Sync, or a simple query. */
function endsQuery(message: Uint8Array): boolean {
  return ["S", "Q"].includes(typeOf(message));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}

function isClosed(error: unknown): boolean {
  return [
    Deno.errors.BadResource,
    Deno.errors.Interrupted,
    Deno.errors.BrokenPipe,
    Deno.errors.ConnectionReset,
    Deno.errors.NotConnected,
  ].some((kind) => error instanceof kind);
}

function proxyUrl(
  url: string,
  { host, port, parameters }: DatabaseAddress,
  proxyPort: number,
  applicationName: string,
): string {
  const address = url.replace(`@${host}:${port}`, `@127.0.0.1:${proxyPort}`);
  return `${address}${parameters.size > 0 ? "&" : "?"}application_name=${applicationName}`;
}

/** A connection, as the database sees it. */
export interface Backend {
  state: string;
}

/**
 * Waits until the database shows the connections that went through a proxy as expected. It sees a lost
 * connection a little later than the client. Throws when they never are.
 */
export async function connectionsAre(
  { applicationName }: DatabaseProxy,
  isExpected: (rows: Backend[]) => boolean,
): Promise<void> {
  let rows: Backend[] = [];
  const isDone = await waitUntil(async () => {
    rows = await sql<Backend[]>`
      select state, query from pg_stat_activity where application_name = ${applicationName}`;
    return isExpected(rows);
  }, DISCONNECTED_WITHIN);
  assert(isDone, `Connections are left: ${JSON.stringify(rows)}`);
}
