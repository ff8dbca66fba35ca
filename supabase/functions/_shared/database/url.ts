/**
 * Database URLs: parsed here, since the platform's host names may hold `_`, which URL parsers refuse,
 * and generated passwords may hold characters that nobody escaped.
 */
import type { Options } from "postgres";
import type { Settings } from "../settings.ts";

const TRANSACTION_POOLER_PORT = 6543;
/** For connections that the driver opens although the client has been ended. */
const IDLE_SECONDS = 20;
const CONNECT_SECONDS = 4;

export interface DatabaseAddress {
  host: string;
  port: number;
  username: string;
  password: string;
  database: string;
  parameters: URLSearchParams;
}

/**
 * Splits `postgres://user:password@host:port/database?parameters`.
 * @throws Error when it has no such form; the text itself is not repeated, since it holds a password.
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const match =
    /^postgres(?:ql)?:\/\/([^:@/]*)(?::(.*))?@([^@/?]+?)(?::(\d+))?(?:\/([^?]*))?(?:\?(.*))?$/
      .exec(url);
  if (!match) {
    throw new Error("The database URL is not postgres://user:password@host:port/database");
  }
  const [, username = "", password = "", host = "", port, database, parameters] = match;
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: Number(port ?? 5432),
    username: decoded(username),
    password: decoded(password),
    database: decoded(database || "postgres"),
    parameters: new URLSearchParams(parameters ?? ""),
  };
}

/**
 * Options for the driver. Statements are prepared on session connections, where they save both
 * planning and a round trip, and not on the transaction pooler, which cannot keep them.
 */
export function connectionOptions(settings: Settings): Options<Record<string, never>> {
  const { host, port, username, password, database, parameters } = parseDatabaseUrl(
    settings.databaseUrl,
  );
  const local = ["localhost", "127.0.0.1", "::1"].includes(host) || !host.includes(".");
  const sslmode = parameters.get("sslmode") ?? (local ? "disable" : "require");
  return {
    host,
    port,
    username,
    password,
    database,
    ssl: sslmode === "disable" ? false : sslmode === "verify-full" ? "verify-full" : "require",
    prepare: port !== TRANSACTION_POOLER_PORT && parameters.get("pgbouncer") !== "true",
    // A connection that is lost during this query would end the process: the driver leaves its
    // rejection unhandled. Arrays travel as text or JSON instead.
    fetch_types: false,
    idle_timeout: IDLE_SECONDS,
    connect_timeout: CONNECT_SECONDS,
    backoff: () => 0,
    connection: { application_name: "portico" },
    onnotice: () => {},
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
