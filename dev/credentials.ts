/** The secrets of one local stack: random values, made on its first start and kept with its data. */

import { join } from "@std/path";
import { SignJWT } from "jose";
import { readIfExists } from "./files.ts";

const TEN_YEARS_SECONDS = 315_360_000;

/** API keys, the secret that signs tokens, and the demo user's password. */
export interface Credentials {
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
  demoPassword: string;
}

/** Reads a stack's credentials, or makes them when there are none. */
export async function loadCredentials(directory: string): Promise<Credentials> {
  const path = join(directory, "credentials.json");
  const stored = await readIfExists(path);
  if (stored !== null) return JSON.parse(stored);
  const credentials: Credentials = {
    publishableKey: `sb_publishable_${random(24)}`,
    secretKey: `sb_secret_${random(24)}`,
    jwtSecret: random(40),
    demoPassword: `demo-${random(12)}`,
  };
  await Deno.writeTextFile(path, JSON.stringify(credentials, null, 2), { mode: 0o600 });
  return credentials;
}

/** Signs a legacy API key: a long-lived token that holds only a role. */
export async function legacyKey(role: "anon" | "service_role", secret: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({ role, iss: "supabase" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(now)
    .setExpirationTime(now + TEN_YEARS_SECONDS)
    .sign(new TextEncoder().encode(secret));
}

function random(length: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  // 64 letters divide the 256 values of a byte evenly, so that each letter is equally likely.
  return Array.from(bytes, (byte) => alphabet[byte % 64]).join("");
}
