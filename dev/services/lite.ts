/**
 * Sets up `@supabase/lite`, the PostgREST-, Auth- and Storage-compatible server of the stack, to behave
 * like a hosted project.
 */

import { App, type EmailDriver, setExperimental } from "@supabase/lite";
import { createPostgresConnection, type PostgresConnection } from "@supabase/lite/postgres";
import * as z from "zod";
import { roleOfApiKey } from "./keys.ts";
import { renderMail } from "./mail.ts";
import { withSafeReserve } from "./reservedConnections.ts";
import { REST_TYPES } from "./restTypes.ts";
import type { Settings } from "./settings.ts";
import { BCRYPT_COST } from "./users.ts";

/** The store of uploaded files. lite does not export the type by name. */
export type StorageAdapter = NonNullable<App["_storageAdapter"]>;

const CONNECTIONS = 4;
/** Role and search path of the auth server in the database. Triggers run with them too. */
export const AUTH_ROLE = { role: "supabase_auth_admin", search_path: "auth" };

/** One server for each service, because each has its own database role. */
export interface LiteServers {
  auth: App;
  data: App;
  storage: App;
  dataConnection: PostgresConnection;
  stop(): Promise<void>;
}

/** Creates the servers. `databaseUrl` is a superuser's; `/auth/v1` runs as `supabase_auth_admin`. */
export async function createLiteServers(
  settings: Settings,
  databaseUrl: string,
  files: StorageAdapter,
): Promise<LiteServers> {
  Deno.env.set("LITE_AUTH_BCRYPT_COST", String(BCRYPT_COST));
  // Supabase gives PostgREST and the auth server the same search paths.
  const dataConnection = connect(databaseUrl, {
    connection: { search_path: "public, extensions" },
    types: REST_TYPES,
  });
  answerTooComplex(dataConnection);
  const connections = [
    connect(databaseUrl, { connection: AUTH_ROLE, types: WRITTEN_JSON }),
    dataConnection,
    connect(databaseUrl, { types: WRITTEN_JSON }),
  ] as const;
  const [authConnection, , storageConnection] = connections;
  const printError = console.error;
  console.error = (...values) => logDatabaseError(settings, values) || printError(...values);
  const auth = createApp(settings, authConnection);
  const data = createApp(settings, dataConnection);
  const storage = createApp(settings, storageConnection);
  storage._storageAdapter = files;
  await Promise.all([auth, data, storage].map((app) => app.init()));
  // After init, which prints a warning about features that are on before it.
  setExperimental("storage", true);
  return {
    auth,
    data,
    storage,
    dataConnection,
    stop: async () => {
      console.error = printError;
      await Promise.all(connections.map(({ driver }) => driver.end({ timeout: 5 })));
    },
  };
}

/** Logs a refused query as one line. Lite would print its stack trace. */
function logDatabaseError(settings: Settings, [value]: unknown[]): boolean {
  if (!(value instanceof Error) || value.name !== "PostgresError") return false;
  settings.log(`rest: ${value.message}`);
  return true;
}

/**
 * Lite's auth and storage pass JSON as text. Its driver would encode the text again, and
 * `raw_user_meta_data` would become a JSON string that no trigger can read.
 */
const WRITTEN_JSON = {
  json: { to: 114, from: [114], serialize: writeJson, parse: JSON.parse },
  jsonb: { to: 3802, from: [3802], serialize: writeJson, parse: JSON.parse },
};

function writeJson(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Answers 413 to a statement that exceeds a limit of PostgreSQL (class 54), as PostgREST does. Lite
 * answers 500, but honours an error in the form of `raise sqlstate 'PGRST'`.
 * Source: https://docs.postgrest.org/en/stable/references/errors.html
 */
function answerTooComplex(connection: PostgresConnection): void {
  const normalize = connection.normalizeDbError.bind(connection);
  connection.normalizeDbError = (error) => {
    const normalized = normalize(error);
    const { code, message } = LimitExceeded.safeParse(normalized).data ?? {};
    return code === undefined ? normalized : Object.assign(
      new Error(JSON.stringify({ code, message })),
      {
        name: "PostgresError",
        code: "PGRST",
        detail: JSON.stringify({ status: 413, headers: {} }),
      },
    );
  };
}

const LimitExceeded = z.object({ code: z.string().startsWith("54"), message: z.string() });

type PostgresOptions = Parameters<typeof createPostgresConnection>[0]["postgresOptions"];

function connect(url: string, options: PostgresOptions): PostgresConnection {
  const postgresOptions = { max: CONNECTIONS, onnotice: () => {}, ...options };
  const connection = createPostgresConnection({ url, postgresOptions });
  // Otherwise lite grants all privileges on every table with RLS to anon and authenticated, on its
  // first request. The migrations decide about privileges.
  Reflect.set(connection, "rlsState", "active");
  withSafeReserve(connection.driver);
  return connection;
}

function createApp(settings: Settings, connection: PostgresConnection): App {
  const { config } = settings;
  return new App({
    connection,
    api: { schemas: ["public"] },
    storage: { enabled: true, file_size_limit: "50MiB" },
    studio: { enabled: false },
    auth: {
      enabled: true,
      jwt_secret: settings.jwtSecret,
      publishable_key: settings.publishableKey,
      secret_key: settings.secretKey,
      site_url: settings.siteUrl,
      additional_redirect_urls: [
        ...config.additional_redirect_urls,
        "http://localhost:*/**",
        "http://127.0.0.1:*/**",
      ],
      jwt_expiry: config.jwt_expiry,
      minimum_password_length: config.minimum_password_length,
      email: {
        otp_expiry: config.email.otp_expiry,
        enable_confirmations: config.email.enable_confirmations,
      },
    },
    options: {
      drivers: { email: mailDriver(settings) },
      server: {
        disableStudio: true,
        disableFallback: true,
        apiKeys: { resolver: async (key) => await resolveApiKey(settings, key) },
      },
    },
  });
}

async function resolveApiKey(settings: Settings, key: string) {
  const role = await roleOfApiKey(settings, key);
  if (!role) return null;
  const type = role === "anon" ? "publishable" as const : "secret" as const;
  return { type, claims: { role } };
}

/** Lite sends one mail only: the code that confirms a change of password. */
function mailDriver(settings: Settings): EmailDriver {
  return {
    send: async ({ to, text }) => {
      const otp = text?.match(/\d{6}/)?.[0] ?? "";
      const { siteUrl } = settings;
      const content = {
        to,
        siteUrl,
        otp,
        tokenHash: "",
        link: null,
        redirectTo: siteUrl,
        data: {},
      };
      settings.mail.send(await renderMail(settings.config, "reauthentication", content));
    },
  };
}
