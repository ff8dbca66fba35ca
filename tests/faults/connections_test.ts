/** Connections that break: waiting requests get another one, and other requests succeed. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  createPool,
  withConnection,
} from "../../supabase/functions/_shared/database/connections.ts";
import { createDatabase } from "../../supabase/functions/_shared/database/database.ts";
import { isConnectionLost } from "../../supabase/functions/_shared/database/problems.ts";
import { parseDatabaseUrl } from "../../supabase/functions/_shared/database/url.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";
import { testSettings } from "../support/app.ts";
import { sql as superuser, test } from "../support/workspace.ts";

const TERMS = { caller: "", milliseconds: 60_000 };

/** Waits for answers on another connection, so that earlier events have been handled. */
async function turnEventLoop(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await superuser`select 1`;
}

test("a request gets a connection although the one that it waits for breaks", async () => {
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  const scope = { timing: { databaseMs: 0 } };
  const held = Promise.withResolvers<number>();
  const holding = assertRejects(() =>
    database.asGateway(scope, async (sql) => {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      held.resolve(row?.pid ?? 0);
      await sql`select pg_sleep(60)`;
    })
  );
  const pid = await held.promise;
  const waiting = [database.ping(), database.ping()];
  await Promise.all([
    holding,
    ...waiting,
    superuser`select pg_terminate_backend(${pid}, 5000)`.execute(),
  ]);
  await database.close();
});

test("a connection that closes between two statements fails only its own request", async () => {
  const pool = createPool(await testSettings({ databaseConnections: 1 }));
  const work = withConnection(pool, TERMS, async (sql) => {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await superuser`select pg_terminate_backend(${row?.pid ?? 0}, 5000)`;
    // The close arrives before the answers to these statements.
    await turnEventLoop();
    await sql`select 1`;
  });
  const error = await assertRejects(() => work);
  assertEquals(isConnectionLost(error), true);
  assertEquals(await withConnection(pool, TERMS, async (sql) => [...await sql`select 1 as one`]), [{
    one: 1,
  }]);
  await pool.close();
});

/** The server's reaction to a new connection: a starting server refuses it, a hanging one is silent. */
type Conduct = "refuse" | "hang" | "relay";

/** A proxy in front of the database. */
function startFaultyServer(databaseUrl: string, conduct: Conduct) {
  const { host, port } = parseDatabaseUrl(databaseUrl);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.TcpConn[] = [];
  const relay = async (client: Deno.TcpConn) => {
    const database = await Deno.connect({ hostname: host, port });
    open.push(database);
    await Promise.allSettled([
      client.readable.pipeTo(database.writable),
      database.readable.pipeTo(client.writable),
    ]);
  };
  const server = {
    conduct,
    url: databaseUrl.replace(`@${host}:${port}`, `@127.0.0.1:${listener.addr.port}`),
    async [Symbol.asyncDispose]() {
      listener.close();
      open.forEach(closeQuietly);
      await serving;
    },
  };
  const serve = async () => {
    for await (const client of listener) {
      open.push(client);
      if (server.conduct === "relay") void relay(client);
      if (server.conduct !== "refuse") continue;
      server.conduct = "hang";
      await refuse(client);
    }
  };
  const serving = serve();
  return server;
}

/** The answer of PostgreSQL while it starts. */
async function refuse(connection: Deno.TcpConn): Promise<void> {
  const fields = ["SFATAL", "VFATAL", "C57P03", "Mthe database system is starting up", ""];
  const body = new TextEncoder().encode(fields.map((field) => `${field}\0`).join(""));
  const message = new Uint8Array(5 + body.length);
  message.set(new TextEncoder().encode("E"));
  new DataView(message.buffer).setUint32(1, 4 + body.length);
  message.set(body, 5);
  await connection.read(new Uint8Array(1_024));
  await connection.write(message);
  connection.close();
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

test("a request after a restart does not wait for a connection attempt from before", async () => {
  const settings = await testSettings({ databaseConnections: 1 });
  await using server = startFaultyServer(settings.databaseUrl, "refuse");
  const database = createDatabase({ ...settings, databaseUrl: server.url });
  await assertRejects(() => database.ping(), Problem, "cannot be reached");
  // The driver may open a connection by itself, as it does for queued requests.
  await turnEventLoop();
  server.conduct = "relay";
  await database.ping();
  await database.close();
});
