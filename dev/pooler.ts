/**
 * PgBouncer in transaction mode before the local database, as a hosted project has a pooler. Its
 * program comes from the system: `apt-get install pgbouncer`.
 */
import { join } from "@std/path";
import { parseDatabaseUrl } from "../supabase/functions/_shared/database/url.ts";
import { GuardedProcess } from "./guardedProcess.ts";
import { directoryFor, postgresUser } from "./postgresBinaries.ts";
import { claimPort, isListening, waitUntil } from "./process.ts";

const PROGRAM = "pgbouncer";
const START_TIMEOUT_MS = 10_000;

/** A running pooler. */
export interface Pooler {
  /** The address that replaces the database's. */
  url: string;
  stop(): Promise<void>;
}

/** Whether PgBouncer is installed. */
export async function isPoolerInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command(PROGRAM, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Starts PgBouncer before the database of a URL, for the user of the URL. `maxPreparedStatements`
 * above 0 keeps named statements, which PgBouncer can since 1.21.
 * @throws Error with PgBouncer's log when it does not start.
 */
export async function startPooler(
  directory: string,
  databaseUrl: string,
  maxPreparedStatements = 0,
): Promise<Pooler> {
  const port = claimPort(0, "pooler", "--port");
  const user = await postgresUser();
  const folder = await directoryFor(user, join(directory, "pooler"));
  const config = join(folder, "pgbouncer.ini");
  await Deno.writeTextFile(config, configuration(folder, port, databaseUrl, maxPreparedStatements));
  const { username, password } = parseDatabaseUrl(databaseUrl);
  await Deno.writeTextFile(join(folder, "users.txt"), `"${username}" "${password}"\n`);
  const log: string[] = [];
  const process = GuardedProcess.start({
    command: PROGRAM,
    args: [config],
    stopSignal: "INT",
    cwd: "/",
    ...user,
    onLine: (line) => log.push(line),
  });
  if (!await waitUntil(() => isListening(port), START_TIMEOUT_MS)) {
    await process.stop(0);
    throw new Error(`PgBouncer did not start:\n${log.join("\n")}`);
  }
  const parameter = maxPreparedStatements > 0 ? "prepare=true" : "pgbouncer=true";
  const { host, port: databasePort } = parseDatabaseUrl(databaseUrl);
  const address = databaseUrl.replace(`@${host}:${databasePort}`, `@127.0.0.1:${port}`);
  return { url: `${address}?${parameter}`, stop: () => process.stop(3_000) };
}

function configuration(
  folder: string,
  port: number,
  databaseUrl: string,
  maxPreparedStatements: number,
): string {
  const { host, port: databasePort, database } = parseDatabaseUrl(databaseUrl);
  return `[databases]
${database} = host=${host} port=${databasePort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = 40
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
${maxPreparedStatements > 0 ? `max_prepared_statements = ${maxPreparedStatements}\n` : ""}`;
}
