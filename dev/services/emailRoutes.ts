/** Routes that need only an address: sign-up, recovery, magic link, and sending a mail again. */

import * as z from "zod";
import { metadataSchema, readBody } from "./body.ts";
import { AuthError, validationFailed } from "./errors.ts";
import { type LinkType, requestedRedirect, sendLink } from "./links.ts";
import type { Settings } from "./settings.ts";
import {
  assertPassword,
  confirmUser,
  findUserByEmail,
  insertUser,
  type Metadata,
  normalizeEmail,
  presentUser,
  type UserRow,
  writingUsers,
} from "./users.ts";

const SAVE_FAILURE = "Database error saving new user";

const signUpSchema = z.object({
  email: z.string().optional(),
  password: z.string().optional(),
  data: metadataSchema.nullish(),
});

/**
 * `POST /signup`. Without `enable_confirmations` the answer is a session, opened by `openSession`. With it
 * the answer is the user, who gets a mail to confirm the address.
 *
 * Like Supabase Auth it confirms an unconfirmed user at once without `enable_confirmations`, and does not
 * compare passwords then. With it, a sign-up with the address of a confirmed user is answered like any other.
 */
export async function signUp(
  settings: Settings,
  request: Request,
  openSession: (user: UserRow) => Promise<Response>,
): Promise<Response> {
  if (!settings.config.enable_signup) {
    throw new AuthError(422, "signup_disabled", "Signups not allowed for this instance");
  }
  const input = await readBody(request, signUpSchema);
  const email = normalizeEmail(input.email);
  const password = input.password ?? "";
  if (!password) throw validationFailed("Signup requires a valid password");
  assertPassword(settings, password);
  const existing = await findUserByEmail(settings.sql, email);
  const confirms = settings.config.email.enable_confirmations;
  if (existing?.confirmed_at) {
    if (!confirms) throw userAlreadyExists();
    return Response.json(unrelatedUser(email, input.data ?? {}));
  }
  const user = await writingUsers(settings, SAVE_FAILURE, async (sql) => {
    const user_metadata = input.data ?? {};
    const user = existing ?? await insertUser(sql, { email, password, user_metadata });
    if (!confirms) return await confirmUser(sql, user.id);
    await sendLink(settings, sql, user, "signup", requestedRedirect(settings, request));
    return await findUserByEmail(sql, email) ?? user;
  }).catch((error) => {
    throw isEmailExists(error) ? userAlreadyExists() : error;
  });
  if (!confirms) return await openSession(user);
  return Response.json(await presentUser(settings.sql, user));
}

/** What a new user would look like, so that the answer does not reveal that the address has an account. */
function unrelatedUser(email: string, user_metadata: Metadata): Metadata {
  const now = new Date();
  return {
    id: crypto.randomUUID(),
    aud: "authenticated",
    role: "authenticated",
    email,
    phone: "",
    confirmation_sent_at: now,
    app_metadata: { provider: "email", providers: ["email"] },
    user_metadata,
    identities: [],
    created_at: now,
    updated_at: now,
    is_anonymous: false,
  };
}

function userAlreadyExists(): AuthError {
  return new AuthError(422, "user_already_exists", "User already registered");
}

function isEmailExists(error: unknown): boolean {
  return error instanceof AuthError && error.code === "email_exists";
}

const emailSchema = z.object({
  email: z.string().optional(),
  type: z.string().optional(),
  create_user: z.boolean().optional(),
  data: metadataSchema.nullish(),
});

/** `POST /recover`. Answers `{}` for an unknown address too, so that it reveals no addresses. */
export async function recover(settings: Settings, request: Request): Promise<Response> {
  const { email } = await readBody(request, emailSchema);
  if (!email) throw validationFailed("Password recovery requires an email");
  const user = await findUserByEmail(settings.sql, normalizeEmail(email));
  if (user) await send(settings, request, user, "recovery");
  return Response.json({});
}

/** `POST /otp` and `POST /magiclink`. An unknown address is signed up, unless `create_user` is false. */
export async function magicLink(settings: Settings, request: Request): Promise<Response> {
  const input = await readBody(request, emailSchema);
  if (!input.email) throw validationFailed("One of email or phone must be set");
  const email = normalizeEmail(input.email);
  const existing = await findUserByEmail(settings.sql, email);
  if (!existing && input.create_user === false) {
    throw new AuthError(422, "otp_disabled", "Signups not allowed for otp");
  }
  const user = existing ?? await writingUsers(settings, SAVE_FAILURE, async (sql) => {
    const user = await insertUser(sql, { email, user_metadata: input.data ?? {} });
    return settings.config.email.enable_confirmations ? user : await confirmUser(sql, user.id);
  });
  await send(settings, request, user, user.confirmed_at ? "magiclink" : "signup");
  return Response.json({});
}

/** `POST /resend`: sends another mail for an unconfirmed sign-up. Reveals nothing else about users. */
export async function resend(settings: Settings, request: Request): Promise<Response> {
  const input = await readBody(request, emailSchema);
  if (input.type !== "signup") {
    throw validationFailed("Only mails of type signup can be sent again");
  }
  const user = await findUserByEmail(settings.sql, normalizeEmail(input.email));
  if (user && !user.confirmed_at) await send(settings, request, user, "signup");
  return Response.json({});
}

async function send(
  settings: Settings,
  request: Request,
  user: UserRow,
  type: LinkType,
): Promise<void> {
  const redirectTo = requestedRedirect(settings, request);
  await writingUsers(settings, "Database error updating user", async (sql) => {
    await sendLink(settings, sql, user, type, redirectTo);
  });
}
