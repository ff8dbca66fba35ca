/** The environment of the function under the local stack. */

import { legacyKey } from "./credentials.ts";
import { readAuthConfig } from "./services/authConfig.ts";
import type { StackAddresses } from "./stackAddresses.ts";

/**
 * The variables that the platform gives to a function, and Portico's own. `SITE_URL` is `site_url` of
 * supabase/config.toml.
 */
export async function functionEnvironment(
  addresses: StackAddresses,
): Promise<Record<string, string>> {
  const { apiUrl, publishableKey, secretKey, jwtSecret } = addresses;
  return {
    SUPABASE_URL: apiUrl,
    SUPABASE_DB_URL: addresses.databaseUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secretKey }),
    SUPABASE_ANON_KEY: await legacyKey("anon", jwtSecret),
    SUPABASE_SERVICE_ROLE_KEY: await legacyKey("service_role", jwtSecret),
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
    JWT_SECRET: jwtSecret,
    DATABASE_URL: addresses.gatewayDatabaseUrl,
    SITE_URL: (await readAuthConfig()).site_url,
    ENVIRONMENT: "development",
    // Enough for the imports and tests of one person; `RATE_LIMIT_PER_MINUTE` overrides it.
    RATE_LIMIT_PER_MINUTE: "6000",
  };
}
