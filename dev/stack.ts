/**
 * The local stack: database, auth, REST, storage, mail, the function, and the gateway in front.
 * `deno task start` runs one, and each run of the tests another.
 */

import { join, resolve } from "@std/path";
import postgres from "postgres";
import { SITE } from "./buildDocs.ts";
import { type Credentials, loadCredentials } from "./credentials.ts";
import { docsServer } from "./docsServer.ts";
import { functionEnvironment } from "./functionEnvironment.ts";
import { FUNCTION_DIRECTORY, FUNCTION_ENTRYPOINT, FunctionServer } from "./functionServer.ts";
import { readSlugs, startGateway } from "./gateway.ts";
import { migrate } from "./migrations.ts";
import { startPooler } from "./pooler.ts";
import { Postgres } from "./postgres.ts";
import { type HeldPort, holdPort } from "./process.ts";
import { createServices } from "./services/mod.ts";
import type { StackAddresses } from "./stackAddresses.ts";
import { lockDirectory } from "./stackLock.ts";

/** How to run a stack. Port 0, the default, takes a free port. */
export interface StackOptions {
  directory: string;
  apiPort?: number;
  databasePort?: number;
  mailPort?: number;
  /**
   * Variables that are added to the function's environment, or replace its variables. The auth server
   * uses `SITE_URL` too.
   */
  environment?: Record<string, string>;
  /** False runs no function. */
  runFunction?: boolean;
  /** A folder of migrations instead of supabase/migrations. */
  migrations?: string;
  /** Another module to run as the function. */
  entrypoint?: string;
  /** True: the function connects through PgBouncer in transaction mode. */
  pooler?: boolean;
  /** True: restarts the function when its files change. */
  watch?: boolean;
  /** False: data may be lost in a crash of the database or of the machine. */
  durable?: boolean;
  /** Receives lines for the user: progress and mails. */
  log?(line: string): void;
  /** Receives lines that the function prints. */
  functionLog?(line: string): void;
}

/** A running stack. */
export interface Stack extends StackAddresses {
  demoPassword: string;
  /** Stops the database alone. */
  stopDatabase(): Promise<void>;
  /** Starts it again. */
  startDatabase(): Promise<void>;
  /** Stops the database when it runs, else starts it. Returns whether it runs now. */
  switchDatabase(): Promise<boolean>;
  /** Stops all parts. */
  stop(): Promise<void>;
}

/** Ports are held from the start, so that no other process takes them before their servers listen. */
interface Ports {
  api: HeldPort;
  database: HeldPort;
  mail: HeldPort;
}

/**
 * Starts a stack. Throws PortTakenError, or the error of a part that did not start. Then nothing is
 * left running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const directory = resolve(options.directory);
  await using parts = new AsyncDisposableStack();
  const ports = holdPorts(parts, options);
  await Deno.mkdir(directory, { recursive: true });
  const apiUrl = localUrl(ports.api.port);
  const lock = { pid: Deno.pid, apiUrl, databasePort: ports.database.port };
  parts.defer(await lockDirectory(directory, lock));
  const database = await startDatabase(parts, options, directory, ports.database);
  const credentials = await loadCredentials(directory);
  const addresses = addressesOf(ports, database.url, credentials);
  if (options.pooler) await insertPooler(parts, directory, addresses);
  const services = await startServices(parts, options, addresses, ports.mail);
  const functions = await Promise.all([
    startFunction(parts, options, addresses),
    prepareDatabase(options, addresses, database.password),
  ]).then(([server]) => server);
  ports.api.release();
  const gateway = startGateway({
    port: ports.api.port,
    slugs: await readSlugs(),
    functions: functions && ((request, clientGone) => functions.fetch(request, clientGone)),
    services: (request) => services.fetch(request),
    docs: docsServer(SITE),
    log: options.log ?? (() => {}),
  });
  parts.defer(() => gateway.shutdown());
  const running = parts.move();
  return {
    ...addresses,
    demoPassword: credentials.demoPassword,
    stopDatabase: database.stop,
    startDatabase: database.start,
    switchDatabase: database.switchOver,
    stop: () => running.disposeAsync(),
  };
}

async function insertPooler(
  parts: AsyncDisposableStack,
  directory: string,
  addresses: StackAddresses,
): Promise<void> {
  const pooler = await startPooler(directory, addresses.gatewayDatabaseUrl);
  parts.defer(() => pooler.stop());
  addresses.gatewayDatabaseUrl = pooler.url;
}

function holdPorts(parts: AsyncDisposableStack, options: StackOptions): Ports {
  const hold = (port: number | undefined, part: string, option: string) => {
    const held = holdPort(port ?? 0, part, option);
    parts.defer(() => held.release());
    return held;
  };
  return {
    api: hold(options.apiPort, "API", "--port"),
    database: hold(options.databasePort, "database", "--db-port"),
    mail: hold(options.mailPort, "mail", "--mail-port"),
  };
}

function addressesOf(
  ports: Ports,
  databaseUrl: (role: string) => string,
  credentials: Credentials,
): StackAddresses {
  const { publishableKey, secretKey, jwtSecret } = credentials;
  return {
    apiUrl: localUrl(ports.api.port),
    functionUrl: `${localUrl(ports.api.port)}/functions/v1/api`,
    mailUrl: localUrl(ports.mail.port),
    databaseUrl: databaseUrl("postgres"),
    superuserUrl: databaseUrl("supabase_admin"),
    gatewayDatabaseUrl: databaseUrl("portico_gateway"),
    publishableKey,
    secretKey,
    jwtSecret,
  };
}

async function startDatabase(
  parts: AsyncDisposableStack,
  options: StackOptions,
  directory: string,
  held: HeldPort,
) {
  options.log?.("Starting PostgreSQL …");
  const logFile = await Deno.open(join(directory, "postgres.log"), { create: true, append: true });
  parts.defer(() => logFile.close());
  const encoder = new TextEncoder();
  const launch = () =>
    Postgres.start({
      dataDirectory: join(directory, "database"),
      port: held.port,
      releasePort: held.release,
      durable: options.durable,
      log: (line) => logFile.writeSync(encoder.encode(line + "\n")),
    });
  let server: Postgres | null = await launch();
  const { password } = server;
  const url = server.url.bind(server);
  const stop = async () => {
    await server?.stop();
    server = null;
  };
  const start = async () => {
    server ??= await launch();
  };
  const switchOver = async () => {
    await (server ? stop() : start());
    return server !== null;
  };
  parts.defer(stop);
  return { password, url, stop, start, switchOver };
}

async function startServices(
  parts: AsyncDisposableStack,
  options: StackOptions,
  addresses: StackAddresses,
  mail: HeldPort,
) {
  options.log?.("Starting auth, REST, storage and mail …");
  mail.release();
  const services = await createServices({
    databaseUrl: addresses.superuserUrl,
    apiUrl: addresses.apiUrl,
    siteUrl: options.environment?.SITE_URL,
    jwtSecret: addresses.jwtSecret,
    publishableKey: addresses.publishableKey,
    secretKey: addresses.secretKey,
    mailPort: mail.port,
    storageDirectory: join(options.directory, "storage"),
    log: options.log ?? (() => {}),
  });
  parts.defer(() => services.stop());
  await services.ensureSystemSchema();
  return services;
}

async function startFunction(
  parts: AsyncDisposableStack,
  options: StackOptions,
  addresses: StackAddresses,
): Promise<FunctionServer | undefined> {
  if (options.runFunction === false) return undefined;
  options.log?.("Starting the function …");
  const server = await FunctionServer.start({
    entrypoint: options.entrypoint ?? FUNCTION_ENTRYPOINT,
    environment: { ...await functionEnvironment(addresses), ...options.environment },
    watch: options.watch ? FUNCTION_DIRECTORY : undefined,
    log: options.functionLog ?? options.log ?? (() => {}),
  });
  parts.defer(() => server.stop());
  return server;
}

/** Applies the migrations that are missing, and lets the function log in. */
async function prepareDatabase(
  options: StackOptions,
  addresses: StackAddresses,
  password: string,
): Promise<void> {
  options.log?.("Applying migrations …");
  await migrate(addresses.databaseUrl, { folder: options.migrations, log: options.log });
  const sql = postgres(addresses.superuserUrl, { max: 1, onnotice: () => {} });
  try {
    const role = await sql`select from pg_roles where rolname = 'portico_gateway'`;
    if (role.length > 0) await sql.unsafe(`alter role portico_gateway password '${password}'`);
  } finally {
    await sql.end();
  }
}

function localUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
