/**
 * Corrects the answers of the stack's auth server: bans, types of links, and access tokens with all
 * claims of Supabase Auth.
 * Source: https://supabase.com/docs/guides/auth/jwt-fields
 */

import { decodeJwt, SignJWT } from "jose";
import { errorFromBody, errorResponse, userBanned } from "./errors.ts";
import { bearerToken, verifyToken } from "./keys.ts";
import { issueToken } from "./links.ts";
import type { Settings } from "./settings.ts";
import { findUserByEmail, findUserById, isBanned, presentUser, type UserRow } from "./users.ts";

/** Sends a request to the auth server. */
export type Forward = (request: Request) => Promise<Response>;

/** Asks the auth server, and gives its answer the form of Supabase Auth's. */
export async function forward(
  settings: Settings,
  request: Request,
  send: Forward,
): Promise<Response> {
  const response = await send(request);
  const location = response.headers.get("Location");
  if (location?.includes("#access_token=")) return await withSessionInUrl(settings, location);
  if (!response.headers.get("Content-Type")?.includes("json")) return response;
  const body: unknown = await response.json();
  const headers = new Headers(response.headers);
  headers.delete("Content-Length");
  const error = response.ok ? null : errorFromBody(response.status, body);
  if (error) return errorResponse(request, error);
  return Response.json(await complete(settings, body), { status: response.status, headers });
}

/** Completes a body with a session or a user: the whole user, and a token with all claims. */
async function complete(settings: Settings, body: unknown): Promise<unknown> {
  if (typeof body !== "object" || body === null) return body;
  if ("access_token" in body && typeof body.access_token === "string") {
    const user = await findUserById(settings.sql, decodeJwt(body.access_token).sub ?? "");
    if (!user) return body;
    const access_token = await completeToken(settings, body.access_token, user);
    return { ...body, access_token, user: await presentUser(settings.sql, user) };
  }
  if (!("id" in body && "app_metadata" in body && typeof body.id === "string")) return body;
  const user = await findUserById(settings.sql, body.id);
  return user ? await presentUser(settings.sql, user) : body;
}

/** Signs a token of the auth server again, with `iss` and the user's claims. */
async function completeToken(settings: Settings, token: string, user: UserRow): Promise<string> {
  const claims = decodeJwt(token);
  return await new SignJWT({
    ...claims,
    iss: `${settings.apiUrl}/auth/v1`,
    phone: user.phone ?? "",
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    aal: "aal1",
    amr: [{ method: "password", timestamp: claims.iat }],
    is_anonymous: user.is_anonymous,
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(settings.jwtSecret));
}

async function withSessionInUrl(settings: Settings, location: string): Promise<Response> {
  const url = new URL(location);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const token = fragment.get("access_token") ?? "";
  const user = await findUserById(settings.sql, decodeJwt(token).sub ?? "");
  if (user) fragment.set("access_token", await completeToken(settings, token, user));
  return redirect(url, fragment);
}

/** A redirect to an address with this fragment. */
export function redirect(url: URL, fragment: URLSearchParams): Response {
  url.hash = fragment.toString();
  return new Response(null, { status: 303, headers: { Location: url.href } });
}

/** Throws `user_banned` when the user of the token is banned, even if the token is valid. */
export async function assertBearerNotBanned(settings: Settings, request: Request): Promise<void> {
  const token = bearerToken(request);
  const claims = token ? await verifyToken(settings, token) : null;
  const user = claims?.sub ? await findUserById(settings.sql, claims.sub) : null;
  if (user && isBanned(user)) throw userBanned(403);
}

/** `POST /token`. Throws `user_banned` when a banned user signs in or refreshes. */
export async function token(
  settings: Settings,
  request: Request,
  send: Forward,
): Promise<Response> {
  const text = await request.text();
  const body = jsonObject(text);
  const grant = new URL(request.url).searchParams.get("grant_type");
  if (grant === "password" && typeof body.email === "string") {
    const user = await findUserByEmail(settings.sql, body.email);
    if (user?.encrypted_password && isBanned(user)) throw userBanned(400);
  }
  if (grant === "refresh_token" && typeof body.refresh_token === "string") {
    const [user] = await settings.sql<UserRow[]>`
      select users.* from auth.refresh_tokens join auth.users on users.id = refresh_tokens.user_id
      where token = ${body.refresh_token}`;
    if (user && isBanned(user)) throw userBanned(400, "Invalid Refresh Token: User Banned");
  }
  return await forward(settings, rewritten(request, request.url, text), send);
}

/** Opens a session of a user who has proved the address, or needs no proof. Returns the answer of `/verify`. */
export async function openSession(
  settings: Settings,
  request: Request,
  user: UserRow,
  send: Forward,
): Promise<Response> {
  const { hash } = await issueToken(settings, settings.sql, user, "magiclink", settings.siteUrl);
  const headers = new Headers({ apikey: settings.publishableKey });
  const version = request.headers.get("X-Supabase-Api-Version");
  if (version) headers.set("X-Supabase-Api-Version", version);
  const url = `${settings.apiUrl}/auth/v1/verify`;
  const body = JSON.stringify({ type: "magiclink", token_hash: hash });
  return await forward(settings, new Request(url, { method: "POST", headers, body }), send);
}

/** `GET` and `POST /verify`. The auth server knows fewer types of links. */
export async function verify(
  settings: Settings,
  request: Request,
  send: Forward,
): Promise<Response> {
  const url = new URL(request.url);
  if (request.method === "GET") {
    const type = url.searchParams.get("type") ?? "";
    const user = await findUserByToken(settings, url.searchParams.get("token"));
    if (user && isBanned(user)) return bannedRedirect(settings, url);
    url.searchParams.set("type", knownType(type));
    const response = await forward(settings, rewritten(request, url), send);
    return withFragment(response, type);
  }
  const body = jsonObject(await request.text());
  const user = typeof body.token_hash === "string"
    ? await findUserByToken(settings, body.token_hash)
    : await findUserByEmail(settings.sql, String(body.email ?? ""));
  if (user && isBanned(user)) throw userBanned(403);
  if (typeof body.type === "string") body.type = knownType(body.type);
  return await forward(settings, rewritten(request, url, JSON.stringify(body)), send);
}

/** The auth server's name of a type: it has no invitations, and no newer name "email". */
function knownType(type: string): string {
  if (type === "invite") return "signup";
  return type === "email" ? "magiclink" : type;
}

/** The redirect with a session, with another type of link. */
export function withFragment(response: Response, type: string): Response {
  const location = response.headers.get("Location");
  if (!location?.includes("#access_token=")) return response;
  const url = new URL(location);
  const fragment = new URLSearchParams(url.hash.slice(1));
  fragment.set("type", type);
  return redirect(url, fragment);
}

/** The redirect of a banned user's link, with the error. */
export function bannedRedirect(settings: Settings, url: URL): Response {
  const target = new URL(url.searchParams.get("redirect_to") ?? settings.siteUrl);
  const fragment = new URLSearchParams({
    error: "access_denied",
    error_code: "user_banned",
    error_description: "User is banned",
  });
  return redirect(target, fragment);
}

async function findUserByToken(settings: Settings, hash: string | null): Promise<UserRow | null> {
  const [user] = await settings.sql<UserRow[]>`
    select * from auth.users
    where ${hash} in (confirmation_token, recovery_token)`;
  return user ?? null;
}

/** The same request with another address, or with a body that was read already. */
export function rewritten(
  request: Request,
  url: URL | string,
  body?: string | Blob,
): Request {
  const headers = new Headers(request.headers);
  headers.delete("Content-Length");
  return new Request(url, { method: request.method, headers, body: body || null });
}

/** The object in a text; an empty one when it is no JSON object. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}
