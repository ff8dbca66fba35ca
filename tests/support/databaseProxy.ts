/**
 * A TCP proxy in front of the database: it counts statements and round trips, and can break the
 * connection at any statement, like a failing network or server.
 * Source of the message formats: PostgreSQL, "Frontend/Backend Protocol", 53.7.
 */
import {
  type DatabaseAddress,
  parseDatabaseUrl,
} from "../../supabase/functions/_shared/database/url.ts";

import { type AppUnderTest, testSettings, withApp } from "./app.ts";

/** Whether the statement reaches the database before the connection breaks. */
export type Break = "before" | "after";

/** A running proxy. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The address that clients use instead of the database's. */
  url: string;
  /** Statements since `watch`. */
  statements: number;
  /** Round trips since `watch`: how often the client sent after an answer. */
  roundTrips: number;
  /** Whether the connection was broken since `watch`. */
  broken: boolean;
  /** Counts from zero again. Breaks the connection at the n-th statement if one is given. */
  watch(breakAt?: number, how?: Break): void;
}

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
  const plan = { breakAt: Infinity, how: "before" as Break };
  const proxy: DatabaseProxy = {
    url: proxyUrl(databaseUrl, target, listener.addr.port),
    statements: 0,
    roundTrips: 0,
    broken: false,
    watch(breakAt = Infinity, how = "before") {
      Object.assign(plan, { breakAt, how });
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
  relay: (client: Deno.TcpConn, server: Deno.TcpConn) => Promise<unknown>,
): Promise<void> {
  const relays: Promise<unknown>[] = [];
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
  #pending = new Uint8Array();
  #started = false;
  #answered = false;
  #dropAnswer = false;

  constructor(
    readonly client: Deno.TcpConn,
    readonly server: Deno.TcpConn,
    readonly proxy: DatabaseProxy,
    readonly plan: { breakAt: number; how: Break },
  ) {}

  async toServer(): Promise<void> {
    await this.#pump(this.client, async (chunk) => {
      if (this.#answered) this.proxy.roundTrips += 1;
      this.#answered = false;
      for (const message of this.#messages(chunk)) {
        if (this.#isBreakingPoint(message)) {
          this.proxy.broken = true;
          if (this.plan.how === "before") return this.#break();
          this.#dropAnswer = true;
        }
        await write(this.server, message);
        if (this.#dropAnswer && isSync(message)) return;
      }
    });
  }

  async toClient(): Promise<void> {
    await this.#pump(this.server, async (chunk) => {
      this.#answered = true;
      if (this.#dropAnswer) return this.#break();
      await write(this.client, chunk);
    });
  }

  #isBreakingPoint(message: Uint8Array): boolean {
    if (!this.#started || !isStatement(message)) return false;
    this.proxy.statements += 1;
    return this.proxy.statements === this.plan.breakAt;
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

  /** The complete messages received so far. The first one of a connection has no type. */
  *#messages(chunk: Uint8Array): Generator<Uint8Array> {
    this.#pending = concat(this.#pending, chunk);
    for (;;) {
      const typeBytes = this.#started ? 1 : 0;
      if (this.#pending.length < typeBytes + 4) return;
      const length = typeBytes + new DataView(this.#pending.buffer).getUint32(typeBytes);
      if (this.#pending.length < length) return;
      const message = this.#pending.slice(0, length);
      this.#pending = this.#pending.slice(length);
      yield message;
      this.#started = true;
    }
  }
}

/** Execute, or a simple query. */
function isStatement(message: Uint8Array): boolean {
  return ["E", "Q"].includes(DECODER.decode(message.slice(0, 1)));
}

/** Whether a message ends a query: Sync ends an extended one, a simple one needs none. */
function isSync(message: Uint8Array): boolean {
  return ["S", "Q"].includes(DECODER.decode(message.slice(0, 1)));
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

function proxyUrl(url: string, { host, port }: DatabaseAddress, proxyPort: number): string {
  return url.replace(`@${host}:${port}`, `@127.0.0.1:${proxyPort}`);
}
