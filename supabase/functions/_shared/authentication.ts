/**
 * Authentication: an access token of Supabase Auth becomes a `Caller`, or a 401 with its own code.
 *
 * The signature is verified here (algorithms pinned, never taken from the token alone), then `exp`,
 * `nbf`, `iss`, `aud`, a uuid `sub` and `role = authenticated`. Sources: RFC 7519, RFC 8725, and
 * Supabase's "JWT signing keys". Whether the member is disabled, and the member's role, are read in
 * the database with the work itself.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from "jose";
import { Problem, type ProblemCode } from "./problem.ts";
import type { Settings } from "./settings.ts";

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

const ASYMMETRIC_ALGORITHMS = ["ES256", "RS256"];
const AUDIENCE = "authenticated";
const CLOCK_TOLERANCE_SECONDS = 5;
/** A verified token is remembered until it expires; the oldest make room for new ones. */
const REMEMBERED_TOKENS = 2_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the function that turns an `Authorization` header into a caller. */
export function createAuthenticate(settings: Settings): Authenticate {
  const remembered = new Map<string, Caller>();
  const keys = createKeys(settings);
  return async (authorization) => {
    const token = bearerToken(authorization);
    const known = remembered.get(token);
    if (known && !hasExpired(known.claims)) return known;
    remembered.delete(token);
    const caller = toCaller(await verify(token, keys, settings), token);
    if (remembered.size >= REMEMBERED_TOKENS) forgetOldest(remembered);
    remembered.set(token, caller);
    return caller;
  };
}

interface Keys {
  asymmetric: JWTVerifyGetKey;
  secret?: Uint8Array;
}

function createKeys(settings: Settings): Keys {
  return {
    asymmetric: settings.jwks
      ? withRefetch(createLocalJWKSet(settings.jwks), remoteKeys(settings))
      : remoteKeys(settings),
    secret: settings.jwtSecret ? new TextEncoder().encode(settings.jwtSecret) : undefined,
  };
}

function remoteKeys(settings: Settings): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(settings.jwksUrl), {
    timeoutDuration: 4_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
  });
}

/** Keys rotate while an isolate lives: a `kid` that the given set lacks is asked for once more. */
function withRefetch(local: JWTVerifyGetKey, remote: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await local(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return await remote(header, token);
    }
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

async function verify(token: string, keys: Keys, settings: Settings): Promise<JWTPayload> {
  const algorithm = tokenAlgorithm(token);
  const checks = {
    issuer: settings.jwtIssuer,
    audience: AUDIENCE,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ["exp"],
  };
  try {
    if (algorithm === "HS256" && keys.secret) {
      return (await jwtVerify(token, keys.secret, { ...checks, algorithms: ["HS256"] })).payload;
    }
    if (!ASYMMETRIC_ALGORITHMS.includes(algorithm)) throw new errors.JOSEAlgNotAllowed();
    const options = { ...checks, algorithms: ASYMMETRIC_ALGORITHMS };
    return (await jwtVerify(token, keys.asymmetric, options)).payload;
  } catch (error) {
    throw tokenProblem(error);
  }
}

function tokenAlgorithm(token: string): string {
  try {
    return String(decodeProtectedHeader(token).alg);
  } catch (cause) {
    throw unauthorized(
      "token_malformed",
      "Send the access token as the sign-in returned it.",
      cause,
    );
  }
}

function tokenProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof errors.JWTExpired) {
    return unauthorized("token_expired", "Refresh the session, and send the new token.", error);
  }
  if (error instanceof errors.JWTClaimValidationFailed) return claimProblem(error);
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return unauthorized("token_algorithm_not_allowed", "Sign in again for a new token.", error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthorized("token_signature_invalid", "Sign in again for a new token.", error);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return unauthorized("token_key_unknown", "Sign in again for a new token.", error);
  }
  if (isAboutKeys(error)) {
    return new Problem("auth_unavailable", "The keys cannot be fetched. Try again in a moment.", {
      headers: { "Retry-After": "5" },
      cause: error,
    });
  }
  return unauthorized(
    "token_malformed",
    "Send the access token as the sign-in returned it.",
    error,
  );
}

/** The key set could not be fetched or read: nothing is wrong with the token. */
function isAboutKeys(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  const { code } = error;
  // The generic code is jose's for an answer of the key server that is no 200 with JSON.
  return ["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"].includes(code);
}

const CLAIM_PROBLEMS: Record<string, [ProblemCode, string]> = {
  nbf: ["token_not_yet_valid", "Check the clock of the machine that issued it."],
  iss: ["token_issuer_invalid", "Sign in to this project, and send that token."],
  aud: ["token_audience_invalid", "Sign in to this project, and send that token."],
};

function claimProblem(error: errors.JWTClaimValidationFailed): Problem {
  const [code, detail] = CLAIM_PROBLEMS[error.claim] ??
    ["token_malformed", "Send the access token as the sign-in returned it."];
  return unauthorized(code, detail, error);
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

/** 401 carries `WWW-Authenticate` (RFC 6750, section 3). */
function unauthorized(code: ProblemCode, detail: string, cause?: unknown): Problem {
  const challenge = code === "token_missing"
    ? 'Bearer realm="portico"'
    : `Bearer realm="portico", error="invalid_token", error_description="${code}"`;
  return new Problem(code, detail, { headers: { "WWW-Authenticate": challenge }, cause });
}
