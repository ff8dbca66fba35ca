/**
 * Changing one's own address, as Supabase Auth does it: `PUT /user` mails links, and the address changes when
 * they were followed. With `double_confirm_changes` both the old and the new mailbox get a link, and both
 * links are needed, in any order.
 * Source: https://supabase.com/docs/guides/auth/auth-email, "Secure email change"
 */

import { AuthError, emailExists, unexpectedFailure, userBanned } from "./errors.ts";
import { bearerToken, verifyToken } from "./keys.ts";
import {
  hashOtp,
  issueToken,
  makeOtp,
  redirectTarget,
  requestedRedirect,
  verifyLink,
} from "./links.ts";
import { MailRefused, renderMail } from "./mail.ts";
import {
  bannedRedirect,
  type Forward,
  forward,
  jsonObject,
  openSession,
  redirect,
  rewritten,
  withFragment,
} from "./sessions.ts";
import type { Settings } from "./settings.ts";
import {
  type Database,
  findUserByEmail,
  findUserById,
  insertIdentity,
  isBanned,
  normalizeEmail,
  presentUser,
  type UserRow,
  writingUsers,
} from "./users.ts";

const FIRST_LINK_ACCEPTED =
  "Confirmation link accepted. Please proceed to confirm link sent to the other email";

/** `PUT /user`. Everything but the address is forwarded to the auth server. */
export async function updateOwnUser(
  settings: Settings,
  request: Request,
  send: Forward,
): Promise<Response> {
  const text = await request.text();
  const { email: requested, ...others } = jsonObject(text);
  const user = await callerOf(settings, request);
  const email = typeof requested === "string" && requested ? normalizeEmail(requested) : null;
  if (!user || email === null || email === user.email) {
    return await forward(settings, rewritten(request, request.url, text), send);
  }
  if (await findUserByEmail(settings.sql, email)) throw emailExists();
  const redirectTo = requestedRedirect(settings, request);
  await writingUsers(settings, "Error updating user", async (sql) => {
    await mailLinks(settings, sql, user, email, redirectTo);
  });
  if (Object.keys(others).length > 0) {
    return await forward(settings, rewritten(request, request.url, JSON.stringify(others)), send);
  }
  const changed = await findUserById(settings.sql, user.id);
  return Response.json(await presentUser(settings.sql, changed ?? user));
}

async function callerOf(settings: Settings, request: Request): Promise<UserRow | null> {
  const token = bearerToken(request);
  const claims = token ? await verifyToken(settings, token) : null;
  return claims?.sub ? await findUserById(settings.sql, claims.sub) : null;
}

async function mailLinks(
  settings: Settings,
  sql: Database,
  user: UserRow,
  newEmail: string,
  redirectTo: string,
): Promise<void> {
  const both = settings.config.email.double_confirm_changes && user.email;
  const current = both ? { to: user.email ?? "", otp: makeOtp() } : null;
  const next = { to: newEmail, otp: makeOtp() };
  const hashes = {
    current: current && await hashOtp(current.to, current.otp),
    next: await hashOtp(next.to, next.otp),
  };
  await sql`
    update auth.users set email_change = ${newEmail}, email_change_sent_at = now(),
      email_change_token_current = ${hashes.current}, email_change_token_new = ${hashes.next},
      email_change_confirm_status = 0, updated_at = now()
    where id = ${user.id}`;
  const mails = [{ ...next, tokenHash: hashes.next }];
  if (current && hashes.current) mails.push({ ...current, tokenHash: hashes.current });
  for (const { to, otp, tokenHash } of mails) {
    const link = verifyLink(settings, tokenHash, "email_change", redirectTo);
    const data = user.raw_user_meta_data ?? {};
    const { siteUrl } = settings;
    const content = { to, newEmail, siteUrl, otp, tokenHash, link, redirectTo, data };
    try {
      settings.mail.send(await renderMail(settings.config, "email_change", content));
    } catch (error) {
      if (error instanceof MailRefused) throw unexpectedFailure("Error sending email change email");
      throw error;
    }
  }
}

/**
 * `GET` and `POST /verify` with the type `email_change`. Returns null when no user has the token, or the
 * request is of another type.
 */
export async function verifyEmailChange(
  settings: Settings,
  request: Request,
  send: Forward,
): Promise<Response | null> {
  const url = new URL(request.url);
  const isLink = request.method === "GET";
  const body = isLink ? Object.fromEntries(url.searchParams) : jsonObject(await request.text());
  if (body.type !== "email_change") return null;
  const hash = isLink ? String(body.token) : await hashOf(body);
  const user = await findUserByToken(settings, hash);
  if (!user) return null;
  if (isBanned(user)) {
    if (isLink) return bannedRedirect(settings, url);
    throw userBanned(403);
  }
  const redirectTo = redirectTarget(settings, url.searchParams.get("redirect_to"));
  if (!await confirm(settings, user, hash)) {
    if (!isLink) return Response.json({ msg: FIRST_LINK_ACCEPTED, code: "200" });
    return redirect(new URL(redirectTo), new URLSearchParams({ message: FIRST_LINK_ACCEPTED }));
  }
  const changed = await findUserById(settings.sql, user.id) ?? user;
  if (!isLink) return await openSession(settings, request, changed, send);
  const { link } = await issueToken(settings, settings.sql, changed, "magiclink", redirectTo);
  return withFragment(await forward(settings, new Request(link), send), "email_change");
}

async function hashOf(body: Record<string, unknown>): Promise<string> {
  if (typeof body.token_hash === "string") return body.token_hash;
  return await hashOtp(String(body.email ?? ""), String(body.token ?? ""));
}

async function findUserByToken(
  { sql, config }: Settings,
  hash: string,
): Promise<UserRow | null> {
  const [user] = await sql<UserRow[]>`
    select * from auth.users
    where ${hash} in (email_change_token_current, email_change_token_new)
      and email_change_sent_at > now() - make_interval(secs => ${config.email.otp_expiry})`;
  return user ?? null;
}

/** Returns whether the address has changed; false while the other link is missing. */
async function confirm(settings: Settings, user: UserRow, hash: string): Promise<boolean> {
  const both = settings.config.email.double_confirm_changes && user.email;
  return await writingUsers(settings, "Error confirming email change", async (sql) => {
    const first = await sql`
      update auth.users set email_change_confirm_status = 1, updated_at = now(),
        email_change_token_current = nullif(email_change_token_current, ${hash}),
        email_change_token_new = nullif(email_change_token_new, ${hash})
      where id = ${user.id} and email_change_confirm_status = 0 and ${Boolean(both)}`;
    if (first.count > 0) return false;
    const [changed] = await sql<{ email: string }[]>`
      update auth.users set email = email_change, email_change = null,
        email_change_token_current = null, email_change_token_new = null,
        email_change_confirm_status = 0, email_confirmed_at = coalesce(email_confirmed_at, now()),
        updated_at = now()
      where id = ${user.id}
        and ${hash} in (email_change_token_current, email_change_token_new)
      returning email`;
    if (!changed) throw new AuthError(403, "otp_expired", "Email link is invalid or has expired");
    await insertIdentity(sql, user.id, changed.email);
    return true;
  });
}
