/** API keys and access tokens, as the gateway of a Supabase project and Supabase Auth check them. */

import { type JWTPayload, jwtVerify } from "jose";
import { AuthError } from "./errors.ts";
import type { Settings } from "./settings.ts";

/** The caller of a request: an API key's role, or the bearer of a verified token. */
export interface Caller {
  role: string;
  claims: JWTPayload | null;
}

/** Verifies a token of this stack; null for a forged, malformed or expired one. */
export async function verifyToken(settings: Settings, token: string): Promise<JWTPayload | null> {
  const secret = new TextEncoder().encode(settings.jwtSecret);
  try {
    return (await jwtVerify(token, secret, { algorithms: ["HS256"] })).payload;
  } catch {
    return null;
  }
}

/**
 * The role of an API key: `anon` for a publishable key, `service_role` for a secret key. Legacy keys,
 * which are tokens with one of these roles, are accepted too. Returns null for other text.
 */
export async function roleOfApiKey(
  settings: Settings,
  key: string,
): Promise<"anon" | "service_role" | null> {
  if (key === settings.publishableKey) return "anon";
  if (key === settings.secretKey) return "service_role";
  const role = (await verifyToken(settings, key))?.role;
  return role === "anon" || role === "service_role" ? role : null;
}

/** The token of `Authorization: Bearer …`; null for an API key, which clients send there too. */
export function bearerToken(request: Request): string | null {
  const token = request.headers.get("Authorization")?.match(/^Bearer\s+(\S+)$/i)?.[1] ?? null;
  return token === null || token.startsWith("sb_") ? null : token;
}

/** The API key of a request, from the header or the query. */
export function apiKeyOf(request: Request): string | null {
  return request.headers.get("apikey") ?? new URL(request.url).searchParams.get("apikey");
}

/** The caller of a request. Throws `bad_jwt` for an invalid token, 401 without a valid API key. */
export async function resolveCaller(settings: Settings, request: Request): Promise<Caller> {
  const key = apiKeyOf(request);
  if (!key) throw new AuthError(401, "no_authorization", "No API key found in request");
  const role = await roleOfApiKey(settings, key);
  if (!role) throw new AuthError(401, "no_authorization", "Invalid API key");
  const token = bearerToken(request);
  if (token === null || token === key) return { role, claims: null };
  const claims = await verifyToken(settings, token);
  if (!claims) {
    throw new AuthError(
      403,
      "bad_jwt",
      "invalid JWT: unable to parse or verify signature",
    );
  }
  return { role: String(claims.role ?? ""), claims };
}

/** Throws `not_admin` unless the caller holds the secret key or a service_role token. */
export async function requireAdmin(settings: Settings, request: Request): Promise<void> {
  const caller = await resolveCaller(settings, request);
  if (caller.role !== "service_role" && caller.role !== "supabase_admin") {
    throw new AuthError(403, "not_admin", "User not allowed");
  }
}
