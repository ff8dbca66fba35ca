/**
 * A real PostgreSQL 17 for development and tests, prepared as a hosted Supabase database is before
 * its first migration (roles.sql).
 */

import { dirname, join } from "@std/path";
import postgres from "postgres";
import { exists, readIfExists, removeIfExists } from "./files.ts";
import { GuardedProcess } from "./guardedProcess.ts";
import {
  directoryFor,
  postgresDirectory,
  postgresUser,
  type SystemUser,
} from "./postgresBinaries.ts";
import { commandLine, waitUntil } from "./process.ts";

/** How to run a cluster. */
export interface PostgresOptions {
  /** The directory of the cluster; made when it is missing. */
  dataDirectory: string;
  port: number;
  /** Called just before the server listens on the port. */
  releasePort?(): void;
  /** Password of the login roles. */
  password?: string;
  /** False: a commit does not wait for the disk. Faster, for clusters that are thrown away. */
  durable?: boolean;
  /** Receives the server's log, line by line. */
  log?(line: string): void;
}

/** A running PostgreSQL server. */
export class Postgres {
  readonly port: number;
  readonly password: string;
  #process: GuardedProcess;

  private constructor(process: GuardedProcess, port: number, password: string) {
    this.#process = process;
    this.port = port;
    this.password = password;
  }

  /**
   * Starts the server. Makes the cluster first when there is none.
   * Throws with the end of the server's log when it does not start.
   */
  static async start(options: PostgresOptions): Promise<Postgres> {
    const password = options.password ?? "postgres";
    const user = await postgresUser();
    const programs = join(await postgresDirectory(user), "bin");
    const dataDirectory = await directoryFor(user, options.dataDirectory);
    if (!await exists(join(dataDirectory, "PG_VERSION"))) {
      await createCluster(programs, dataDirectory, password, user);
    }
    await endForgottenServer(dataDirectory);
    const process = await startServer(programs, dataDirectory, user, options);
    const server = new Postgres(process, options.port, password);
    try {
      await server.#prepare();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Returns the connection string of a role, by default `postgres`, which runs the migrations. */
  url(role = "postgres"): string {
    const credentials = `${role}:${encodeURIComponent(this.password)}`;
    return `postgresql://${credentials}@127.0.0.1:${this.port}/postgres`;
  }

  /** Closes connections and stops the server. Everything committed is on disk afterwards. */
  async stop(): Promise<void> {
    await this.#process.stop(20_000);
  }

  /** Prepares a new cluster like a hosted database. Does nothing when it is prepared already. */
  async #prepare(): Promise<void> {
    const sql = postgres(this.url("supabase_admin"), { max: 1, onnotice: () => {} });
    try {
      const prepared = await sql`select from pg_roles where rolname = 'authenticator'`;
      if (prepared.length > 0) return;
      const roles = await Deno.readTextFile(new URL("./roles.sql", import.meta.url));
      await sql.begin(async (transaction) => {
        await transaction`select set_config('portico.password', ${this.password}, true)`;
        await transaction.unsafe(roles);
      });
    } finally {
      await sql.end();
    }
  }
}

/** Makes the cluster beside its final place, so that an interrupted start leaves no incomplete one. */
async function createCluster(
  programs: string,
  dataDirectory: string,
  password: string,
  user: SystemUser,
): Promise<void> {
  const passwordFile = await Deno.makeTempFile();
  const unfinished = join(dataDirectory, "unfinished");
  try {
    await Deno.writeTextFile(passwordFile, password);
    if (user.uid !== undefined && user.gid !== undefined) {
      await Deno.chown(passwordFile, user.uid, user.gid);
    }
    await removeIfExists(unfinished);
    await runInitdb(programs, unfinished, passwordFile, user);
    for await (const entry of Deno.readDir(unfinished)) {
      if (entry.name !== "PG_VERSION") await moveUp(entry.name, unfinished);
    }
    await moveUp("PG_VERSION", unfinished);
    await Deno.remove(unfinished);
    if (Deno.build.os !== "windows") await Deno.chmod(dataDirectory, 0o700);
  } finally {
    await Deno.remove(passwordFile);
  }
}

async function moveUp(name: string, directory: string): Promise<void> {
  const target = join(dirname(directory), name);
  await removeIfExists(target);
  await Deno.rename(join(directory, name), target);
}

async function runInitdb(
  programs: string,
  dataDirectory: string,
  passwordFile: string,
  user: SystemUser,
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(join(programs, "initdb"), {
    args: [
      `--pgdata=${dataDirectory}`,
      "--username=supabase_admin",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // Hosted databases sort by ICU's en-US. The C library's locale only classifies characters.
      "--locale-provider=icu",
      "--icu-locale=en-US",
      ...(Deno.build.os === "windows" ? [] : [`--locale=${utf8Locale()}`]),
      "--no-sync",
      "--no-instructions",
    ],
    ...user,
    cwd: "/",
  }).output();
  if (success) return;
  const words = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`PostgreSQL could not create its cluster in ${dataDirectory}:\n${words}`);
}

function utf8Locale(): string {
  return Deno.build.os === "darwin" ? "en_US.UTF-8" : "C.UTF-8";
}

/** A crash of a process may lose the last commits, one of the machine the cluster. */
const NOT_DURABLE = { synchronous_commit: "off", fsync: "off", full_page_writes: "off" };

function serverSettings(options: PostgresOptions): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(options.port),
    unix_socket_directories: "",
    max_connections: "200",
    timezone: "UTC",
    log_timezone: "UTC",
    log_statement: "none",
    // A failed statement is logged without its text, which may contain personal data.
    log_min_error_statement: "panic",
    ...(options.durable === false ? NOT_DURABLE : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function startServer(
  programs: string,
  dataDirectory: string,
  user: SystemUser,
  options: PostgresOptions,
): Promise<GuardedProcess> {
  const words: string[] = [];
  const ready = Promise.withResolvers<"ready">();
  options.releasePort?.();
  const server = GuardedProcess.start({
    command: join(programs, "postgres"),
    args: ["-D", dataDirectory, ...serverSettings(options)],
    // SIGINT is PostgreSQL's "fast" shutdown: it closes the connections and writes all data.
    stopSignal: "INT",
    cwd: "/",
    ...user,
    onLine(line) {
      options.log?.(line);
      words.push(line);
      if (words.length > 20) words.shift();
      if (line.includes("database system is ready to accept connections")) ready.resolve("ready");
    },
  });
  if (await Promise.race([ready.promise, server.ended]) !== "ready") {
    throw new Error(`PostgreSQL did not start on port ${options.port}:\n${words.join("\n")}`);
  }
  return server;
}

/** Stops a server that a killed run left on this cluster, or removes its lock file. */
async function endForgottenServer(dataDirectory: string): Promise<void> {
  const lockFile = join(dataDirectory, "postmaster.pid");
  const lock = await readIfExists(lockFile);
  if (lock === null) return;
  const pid = Number(lock.split("\n")[0]);
  if ((await commandLine(pid)).includes(dataDirectory)) Deno.kill(pid, "SIGINT");
  else await removeIfExists(lockFile);
  await waitUntil(async () => !await exists(lockFile), 10_000);
}
