/**
 * The Supabase services of the local stack: `/auth/v1`, `/rest/v1`, `/storage/v1` and the mail
 * catcher, on any PostgreSQL, without Docker.
 */

import postgres from "postgres";
import { authRoutes } from "./authRoutes.ts";
import { answerPreflight, withCors } from "./cors.ts";
import { FileStorage } from "./fileStorage.ts";
import { createLiteServers } from "./lite.ts";
import { MailServer } from "./mailServer.ts";
import type { Settings } from "./settings.ts";
import { ensureSystemSchema } from "./systemSchema.ts";

/** What the services need to know; see `Settings` for the meaning of the addresses. */
export interface ServicesOptions {
  /** Connection string of a superuser. */
  databaseUrl: string;
  apiUrl: string;
  siteUrl: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  mailPort: number;
  /** Where uploaded files are kept. */
  storageDirectory?: string;
  /** True: sign-ups confirm their address first (`[auth.email] enable_confirmations`). */
  confirmEmail?: boolean;
  log(line: string): void;
}

/** The running services. */
export interface Services {
  /** Prepares a database for the first migration; to be called before any request. */
  ensureSystemSchema(): Promise<void>;
  fetch(request: Request): Promise<Response>;
  stop(): Promise<void>;
}

/** Starts the services. Throws Deno.errors.AddrInUse when the mail port is taken. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { databaseUrl, log } = options;
  const superuser = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const sql = postgres(databaseUrl, {
    max: 5,
    onnotice: () => {},
    connection: { role: "supabase_auth_admin" },
  });
  const mail = new MailServer(options.mailPort, log);
  const settings: Settings = {
    ...options,
    apiUrl: options.apiUrl.replace(/\/+$/, ""),
    confirmEmail: options.confirmEmail ?? false,
    sql,
    mail,
  };
  const storage = new FileStorage(options.storageDirectory ?? ".portico/storage");
  const lite = createLiteServers(settings, databaseUrl, storage);
  const auth = authRoutes(settings, async (request) => await lite.auth.fetch(request));
  // As PostgREST: whoever changes the schema notifies it, see systemSchema.ts.
  await superuser.listen("pgrst", () => void lite.dataConnection.clearSchemaCache());

  return {
    ensureSystemSchema: () => ensureSystemSchema(superuser),
    fetch: async (request) => {
      const preflight = answerPreflight(request);
      if (preflight) return preflight;
      const isAuth = new URL(request.url).pathname.startsWith("/auth/v1/");
      return withCors(await (isAuth ? auth.fetch(request) : lite.data.fetch(request)));
    },
    stop: async () => {
      await mail.stop();
      await Promise.all([superuser.end({ timeout: 5 }), sql.end({ timeout: 5 }), lite.stop()]);
    },
  };
}
