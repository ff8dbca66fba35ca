/**
 * Parses database URLs. `URL` cannot be used: host names of the platform may contain `_`, and
 * generated passwords may contain characters that are not escaped.
 */
import type { Options } from "postgres";
import type { Settings } from "../settings.ts";

const TRANSACTION_POOLER_PORT = 6543;
/** Closes the connections that the driver opens after its client has ended. */
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
 * @throws Error when the text has another form. The message omits the text: it has a password.
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
 * Whether to prepare statements. Poolers in transaction mode lose them, except Supavisor since 2.9 and
 * PgBouncer since 1.21 (`max_prepared_statements`): `?prepare=true` is for these.
 */
function prepares({ port, parameters }: DatabaseAddress): boolean {
  const chosen = parameters.get("prepare");
  if (chosen !== null) return chosen === "true";
  return port !== TRANSACTION_POOLER_PORT && parameters.get("pgbouncer") !== "true";
}

/**
 * Returns the driver's options. Statements are prepared except on a pooler that would lose them.
 * @throws Error when the database URL is malformed.
 */
export function connectionOptions(
  settings: Pick<Settings, "databaseUrl">,
): Options<Record<string, never>> {
  const address = parseDatabaseUrl(settings.databaseUrl);
  const { host, port, username, password, database, parameters } = address;
  const local = ["localhost", "127.0.0.1", "::1"].includes(host) || !host.includes(".");
  const sslmode = parameters.get("sslmode") ?? (local ? "disable" : "require");
  return {
    host,
    port,
    username,
    password,
    database,
    ssl: sslmode === "disable" ? false : sslmode === "verify-full" ? "verify-full" : "require",
    prepare: prepares(address),
    // The driver does not handle a connection that is lost during its query for the array types,
    // which would end the process. Arrays are sent as text or JSON instead.
    fetch_types: false,
    idle_timeout: IDLE_SECONDS,
    connect_timeout: CONNECT_SECONDS,
    backoff: () => 0,
    connection: { application_name: parameters.get("application_name") ?? "portico" },
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
