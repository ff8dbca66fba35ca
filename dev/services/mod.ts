/**
 * The Supabase services of the local stack: `/auth/v1`, `/rest/v1`, `/storage/v1` and the mail
 * catcher, on any PostgreSQL, without Docker.
 */

import postgres from "postgres";
import { readAuthConfig } from "./authConfig.ts";
import { authRoutes } from "./authRoutes.ts";
import { answerPreflight, withCors } from "./cors.ts";
import { FileStorage } from "./fileStorage.ts";
import { AUTH_ROLE, createLiteServers } from "./lite.ts";
import { MailServer } from "./mailServer.ts";
import { logLostConnections, withSafeReserve } from "./reservedConnections.ts";
import { SchemaCache } from "./schemaCache.ts";
import type { Settings } from "./settings.ts";
import { serveStorage } from "./storageRoutes.ts";
import { ensureSystemSchema } from "./systemSchema.ts";

/** Options of the services. `Settings` explains the addresses. */
export interface ServicesOptions {
  /** Connection string of a superuser. */
  databaseUrl: string;
  apiUrl: string;
  /** Default: `site_url` of supabase/config.toml. */
  siteUrl?: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  mailPort: number;
  /**
   * Whether a sign-up needs a confirmed address, as in a hosted project with this setting. The default is
   * false, whatever `supabase/config.toml` says: nobody has to read a mail to try the stack.
   */
  confirmAddresses?: boolean;
  /** The directory of uploaded files. */
  storageDirectory?: string;
  log(line: string): void;
}

/** The running services. */
export interface Services {
  /** Prepares a database for the first migration. Call it before any request. */
  ensureSystemSchema(): Promise<void>;
  fetch(request: Request): Promise<Response>;
  stop(): Promise<void>;
}

/** Starts the services. Throws Deno.errors.AddrInUse when the mail port is in use. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { databaseUrl, log } = options;
  const lostConnections = logLostConnections(log);
  const superuser = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const sql = withSafeReserve(postgres(databaseUrl, {
    max: 5,
    onnotice: () => {},
    connection: AUTH_ROLE,
  }));
  const mail = new MailServer(options.mailPort, log);
  const config = await readAuthConfig(options.confirmAddresses);
  const settings: Settings = {
    ...options,
    siteUrl: options.siteUrl || config.site_url,
    apiUrl: options.apiUrl.replace(/\/+$/, ""),
    config,
    sql,
    mail,
  };
  const files = new FileStorage(options.storageDirectory ?? ".portico/storage");
  const lite = await createLiteServers(settings, databaseUrl, files);
  const auth = authRoutes(settings, async (request) => await lite.auth.fetch(request));
  const schemaCache = new SchemaCache(superuser, lite.dataConnection);
  await schemaCache.watch();

  return {
    ensureSystemSchema: () => ensureSystemSchema(superuser),
    fetch: async (request) => {
      const preflight = answerPreflight(request);
      if (preflight) return preflight;
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/auth/v1/")) return withCors(await auth.fetch(request));
      const isStorage = pathname.startsWith("/storage/v1/");
      return withCors(
        isStorage
          ? await serveStorage(
            request,
            settings.jwtSecret,
            async (sent) => await lite.storage.fetch(sent),
          )
          : await schemaCache.serve(request, async (sent) => await lite.data.fetch(sent)),
      );
    },
    stop: async () => {
      await mail.stop();
      await Promise.all([superuser.end({ timeout: 5 }), sql.end({ timeout: 5 }), lite.stop()]);
      lostConnections[Symbol.dispose]();
    },
  };
}
