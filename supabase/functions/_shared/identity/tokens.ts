/**
 * Verifies access tokens: the signature and the claims of a JWT of Supabase Auth. Only listed
 * algorithms are accepted, whatever the token's header says. Sources: RFC 7519, RFC 8725, and
 * Supabase's "JWT signing keys".
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
import { Problem, type ProblemCode } from "../problem.ts";
import type { Settings } from "../settings.ts";

const ASYMMETRIC_ALGORITHMS = ["ES256", "RS256"];
const AUDIENCE = "authenticated";
/** Allowed difference between the clocks of the issuer and of this machine, in seconds. */
export const CLOCK_TOLERANCE_SECONDS = 5;

export type { JWTPayload } from "jose";

/** Returns the claims of a valid token. Throws 401 with a code for each defect. */
type VerifyToken = (token: string) => Promise<JWTPayload>;

/**
 * Creates the function that verifies tokens of this project. The first call creates the key sets.
 */
export function createVerifyToken(settings: Settings): VerifyToken {
  let keys: Keys | undefined;
  return (token) => verify(token, keys ??= createKeys(settings), settings);
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

/** Fetches a key that the local set lacks: keys can rotate while an isolate lives. */
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
  if (isKeySetError(error)) {
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

/** Whether the key set could not be fetched or read, so that the token may be valid. */
function isKeySetError(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  const { code } = error;
  // jose uses the generic code for an answer that is not 200 with JSON.
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

/** Returns a problem with status 401 and `WWW-Authenticate` (RFC 6750, section 3). */
export function unauthorized(code: ProblemCode, detail: string, cause?: unknown): Problem {
  const challenge = code === "token_missing"
    ? 'Bearer realm="portico"'
    : `Bearer realm="portico", error="invalid_token", error_description="${code}"`;
  return new Problem(code, detail, { headers: { "WWW-Authenticate": challenge }, cause });
}
