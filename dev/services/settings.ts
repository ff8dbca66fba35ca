/** Settings that the services of the stack share. */

import type { Sql } from "postgres";
import type { AuthConfig } from "./authConfig.ts";
import type { MailServer } from "./mailServer.ts";

/** Addresses, keys and connections, made once by `createServices`. */
export interface Settings {
  /** Origin of the API gateway, without a trailing slash: the issuer is `${apiUrl}/auth/v1`. */
  apiUrl: string;
  /** The target of links in mails when a request has no `redirect_to`. */
  siteUrl: string;
  jwtSecret: string;
  publishableKey: string;
  secretKey: string;
  config: AuthConfig;
  /** Runs as `supabase_auth_admin`. */
  sql: Sql;
  mail: MailServer;
  log(line: string): void;
}
