/**
 * Authentication: an access token of Supabase Auth becomes a `Caller`, or a 401 with its own code; the
 * project's secret key lets a scheduler in. The door of `identity/`.
 *
 * Whether the member is disabled, and the member's role, are read in the database with the work itself.
 */
import {
  CLOCK_TOLERANCE_SECONDS,
  createVerifyToken,
  type JWTPayload,
  unauthorized,
} from "./identity/tokens.ts";
import type { Settings } from "./settings.ts";

export { createRequireSecretKey } from "./identity/secretKey.ts";

/** A user with a valid access token. */
export interface Caller {
  /** `auth.users.id` */
  userId: string;
  /** The verified token's claims, as Postgres gets them. */
  claims: JWTPayload;
  /** The access token itself, for calls to the auth server as the caller. */
  token: string;
}

export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** A verified token is remembered until it expires; the oldest make room for new ones. */
const REMEMBERED_TOKENS = 2_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the function that turns an `Authorization` header into a caller. */
export function createAuthenticate(settings: Settings): Authenticate {
  const remembered = new Map<string, Caller>();
  const verify = createVerifyToken(settings);
  return async (authorization) => {
    const token = bearerToken(authorization);
    const known = remembered.get(token);
    if (known && !hasExpired(known.claims)) return known;
    remembered.delete(token);
    const caller = toCaller(await verify(token), token);
    if (remembered.size >= REMEMBERED_TOKENS) forgetOldest(remembered);
    remembered.set(token, caller);
    return caller;
  };
}

function bearerToken(authorization: string | undefined): string {
  if (!authorization) throw unauthorized("token_missing", "Send `Authorization: Bearer <token>`.");
  const [scheme, token, ...rest] = authorization.trim().split(/\s+/);
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) {
    throw unauthorized("token_malformed", "Send `Authorization: Bearer <token>`.");
  }
  if (token.startsWith("sb_publishable_") || token.startsWith("sb_secret_")) {
    throw unauthorized("api_key_not_allowed", "Sign in, and send the user's access token instead.");
  }
  return token;
}

function toCaller(claims: JWTPayload, token: string): Caller {
  if (claims.role !== "authenticated") {
    throw unauthorized("token_role_not_allowed", "Sign in as a user, and send that token.");
  }
  if (!claims.sub || !UUID.test(claims.sub)) {
    throw unauthorized("token_subject_missing", "Sign in as a user, and send that token.");
  }
  return { userId: claims.sub.toLowerCase(), claims, token };
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
