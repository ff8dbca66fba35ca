/** One-time links for invitation, sign-up, recovery and sign-in, stored with a user and mailed. */

import { unexpectedFailure } from "./errors.ts";
import { MailRefused, type MailType, renderMail } from "./mail.ts";
import type { Settings } from "./settings.ts";
import type { Database, UserRow } from "./users.ts";

/** A token that is stored with a user: a code to type, and its hash for the link. */
export interface OneTimeToken {
  otp: string;
  hash: string;
  link: string;
  redirectTo: string;
}

/** The purpose of a link, with Supabase Auth's names. */
export type LinkType = "invite" | "signup" | "recovery" | "magiclink";

/** The mail of each link, and Supabase Auth's message when it cannot be sent. */
const MAILS: Record<LinkType, { mail: MailType; failure: string }> = {
  invite: { mail: "invite", failure: "Error sending invite email" },
  signup: { mail: "confirmation", failure: "Error sending confirmation email" },
  recovery: { mail: "recovery", failure: "Error sending recovery email" },
  magiclink: { mail: "magic_link", failure: "Error sending magic link email" },
};

/** Stores a new token with the user, instead of the one before. */
export async function issueToken(
  settings: Settings,
  sql: Database,
  user: UserRow,
  type: LinkType,
  redirectTo: string,
): Promise<OneTimeToken> {
  const otp = makeOtp();
  const hash = await hashOtp(user.email ?? "", otp);
  if (type === "invite" || type === "signup") {
    const invitedAt = type === "invite" ? new Date() : user.invited_at;
    await sql`
      update auth.users set confirmation_token = ${hash}, confirmation_sent_at = now(),
        invited_at = ${invitedAt}, updated_at = now() where id = ${user.id}`;
  } else {
    await sql`
      update auth.users set recovery_token = ${hash}, recovery_sent_at = now(), updated_at = now()
      where id = ${user.id}`;
  }
  return { otp, hash, redirectTo, link: verifyLink(settings, hash, type, redirectTo) };
}

/** The address of a mail's button. */
export function verifyLink(
  settings: Settings,
  hash: string,
  type: string,
  redirectTo: string,
): string {
  const query = new URLSearchParams({ token: hash, type, redirect_to: redirectTo });
  return `${settings.apiUrl}/auth/v1/verify?${query}`;
}

/** A code of six digits. */
export function makeOtp(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return String(random % 1_000_000).padStart(6, "0");
}

/** The hash by which the stack's auth server finds a code. */
export async function hashOtp(email: string, otp: string): Promise<string> {
  const bytes = new TextEncoder().encode(email.toLowerCase() + otp);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Issues a token and mails it. Throws `unexpected_failure` when the mail server refuses. */
export async function sendLink(
  settings: Settings,
  sql: Database,
  user: UserRow,
  type: LinkType,
  redirectTo: string,
): Promise<void> {
  const token = await issueToken(settings, sql, user, type, redirectTo);
  const { mail, failure } = MAILS[type];
  try {
    settings.mail.send(
      await renderMail(settings.config, mail, {
        to: user.email ?? "",
        siteUrl: settings.siteUrl,
        otp: token.otp,
        tokenHash: token.hash,
        link: token.link,
        redirectTo,
        data: user.raw_user_meta_data ?? {},
      }),
    );
  } catch (error) {
    if (error instanceof MailRefused) throw unexpectedFailure(failure);
    throw error;
  }
}

/**
 * The final target of a link: the requested address if it is on the site's origin or on the local
 * machine, else the site.
 */
export function redirectTarget(settings: Settings, requested: string | null | undefined): string {
  if (!requested || !URL.canParse(requested)) return settings.siteUrl;
  const [target, site] = [new URL(requested), new URL(settings.siteUrl)];
  const local = ["localhost", "127.0.0.1", "[::1]"];
  const allowed = target.origin === site.origin || local.includes(target.hostname);
  return allowed ? requested : settings.siteUrl;
}

/** `redirect_to` of a request, from the query or the header of the same name. */
export function requestedRedirect(settings: Settings, request: Request): string {
  const query = new URL(request.url).searchParams.get("redirect_to");
  return redirectTarget(settings, query ?? request.headers.get("redirect_to"));
}
