/**
 * Authentication: turns an access token of Supabase Auth, or an API key, into a `Caller`, and checks
 * the secret key of a scheduler. Files outside `identity/` import this file only.
 *
 * The database checks the caller's membership and role, in the transaction of the operation.
 */
import type { Caller } from "./identity/caller.ts";
import { KEY_PREFIX } from "./identity/apiKeys.ts";
import { createAuthenticateKey, type FindKey } from "./identity/keyCallers.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  createVerifyToken,
  type JWTPayload,
  unauthorized,
} from "./identity/tokens.ts";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";

export type { Caller } from "./identity/caller.ts";
export { type KeyStatus, newKey, requireActive } from "./identity/apiKeys.ts";
export type { KeyOwner } from "./identity/keyCallers.ts";
export { createRequireSecretKey } from "./identity/secretKey.ts";

/**
 * Returns the caller of a request's headers. Throws 401 with a code for each defect, and
 * `invalid_header` for two credentials.
 */
export type Authenticate = (headers: Headers) => Promise<Caller>;

/** Size of the cache of verified tokens. A new token replaces the oldest one. */
const REMEMBERED_TOKENS = 2_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Creates the function that authenticates requests by a token or an API key. */
export function createAuthenticate(settings: Settings, findKey: FindKey): Authenticate {
  const ofToken = createAuthenticateToken(settings);
  const ofKey = createAuthenticateKey(findKey);
  return async (headers) => {
    const authorization = headers.get("Authorization");
    const key = headers.get("X-Api-Key")?.trim();
    if (key === undefined) {
      const token = bearerToken(authorization);
      return await (token.startsWith(KEY_PREFIX) ? ofKey(token) : ofToken(token));
    }
    if (authorization !== null) {
      throw new Problem("invalid_header", "Send either `Authorization` or `X-Api-Key`, not both.");
    }
    refuseProjectKey(key);
    return await ofKey(key);
  };
}

/** It keeps verified tokens until they expire. */
function createAuthenticateToken(settings: Settings): (token: string) => Promise<Caller> {
  const remembered = new Map<string, Caller>();
  const verify = createVerifyToken(settings);
  return async (token) => {
    const known = remembered.get(token);
    if (known && !hasExpired(known.claims)) return known;
    remembered.delete(token);
    const caller = toCaller(await verify(token));
    if (remembered.size >= REMEMBERED_TOKENS) forgetOldest(remembered);
    remembered.set(token, caller);
    return caller;
  };
}

function bearerToken(authorization: string | null): string {
  if (!authorization) {
    const detail = "Send `Authorization: Bearer <token>`, or an API key in `X-Api-Key`.";
    throw unauthorized("token_missing", detail);
  }
  const [scheme, token, ...rest] = authorization.trim().split(/\s+/);
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) {
    throw unauthorized("token_malformed", "Send `Authorization: Bearer <token>`.");
  }
  refuseProjectKey(token);
  return token;
}

function refuseProjectKey(text: string): void {
  if (!text.startsWith("sb_publishable_") && !text.startsWith("sb_secret_")) return;
  const detail =
    "This is a key of the project. Sign in, and send the user's access token, or an API key of a " +
    "workspace.";
  throw unauthorized("api_key_not_allowed", detail);
}

function toCaller(claims: JWTPayload): Caller {
  if (claims.role !== "authenticated") {
    throw unauthorized("token_role_not_allowed", "Sign in as a user, and send that token.");
  }
  if (!claims.sub || !UUID.test(claims.sub)) {
    throw unauthorized("token_subject_missing", "Sign in as a user, and send that token.");
  }
  return { userId: claims.sub.toLowerCase(), claims, credential: "token" };
}

function hasExpired(claims: JWTPayload): boolean {
  return (claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS <= Date.now() / 1000;
}

function forgetOldest(remembered: Map<string, Caller>): void {
  for (const token of remembered.keys()) {
    remembered.delete(token);
    return;
  }
}
