/**
 * Errors in the shape of Supabase Auth: `{code, error_code, msg}`, or `{code, message}` for clients
 * that send `X-Supabase-Api-Version: 2024-01-01` or later, as supabase-js does.
 * Source: https://supabase.com/docs/guides/auth/debugging/error-codes
 */

const API_VERSION_HEADER = "X-Supabase-Api-Version";
const API_VERSION = "2024-01-01";

/** An error for clients of `/auth/v1`. `extra` is added to the body (`weak_password`). */
export class AuthError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** The body is JSON, but a value in it is not valid. */
export function validationFailed(message: string): AuthError {
  return new AuthError(400, "validation_failed", message);
}

/** Another user has the address. */
export function emailExists(): AuthError {
  return new AuthError(
    422,
    "email_exists",
    "A user with this email address has already been registered",
  );
}

/** No user has this id or this address. */
export function userNotFound(message = "User not found"): AuthError {
  return new AuthError(404, "user_not_found", message);
}

/** The user is banned. `status` is 400 at sign-in and refresh, 403 for a request with a token. */
export function userBanned(status: 400 | 403, message = "User is banned"): AuthError {
  return new AuthError(status, "user_banned", message);
}

/** A failure that the caller did not cause. */
export function unexpectedFailure(message: string): AuthError {
  return new AuthError(500, "unexpected_failure", message);
}

/** The answer for an error, in the form that the client's API version expects. */
export function errorResponse(request: Request, error: AuthError): Response {
  const headers = new Headers({ "x-sb-error-code": error.code });
  const version = request.headers.get(API_VERSION_HEADER) ?? "";
  if (version < API_VERSION) {
    const body = { code: error.status, error_code: error.code, msg: error.message, ...error.extra };
    return Response.json(body, { status: error.status, headers });
  }
  headers.set(API_VERSION_HEADER, API_VERSION);
  const body = { code: error.code, message: error.message, ...error.extra };
  return Response.json(body, { status: error.status, headers });
}

/** The error in an answer of the stack's auth server; null when the body holds none. */
export function errorFromBody(status: number, body: unknown): AuthError | null {
  if (typeof body !== "object" || body === null) return null;
  const { code: _code, error_code, msg, ...extra } = body as Record<string, unknown>;
  if (typeof error_code === "string") {
    return new AuthError(status, error_code, String(msg ?? ""), extra);
  }
  if (extra.error !== "server_error") return null;
  return unexpectedFailure("Unexpected failure, please check server logs for more information");
}
