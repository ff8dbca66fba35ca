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
 * `POST /signup`. Without `enable_confirmations` the answer is a session, opened by `signIn`. With it
 * the answer is the user, who gets a mail to confirm the address.
 */
export async function signUp(
  settings: Settings,
  request: Request,
  signIn: (email: string, password: string) => Promise<Response>,
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
  const repeated = existing && confirms && !existing.confirmed_at;
  if (existing && !repeated) throw userAlreadyExists();
  const user = await writingUsers(settings, SAVE_FAILURE, async (sql) => {
    const user_metadata = input.data ?? {};
    const user = existing ?? await insertUser(sql, { email, password, user_metadata });
    if (!confirms) return await confirmUser(sql, user.id);
    await sendLink(settings, sql, user, "signup", requestedRedirect(settings, request));
    return user;
  }).catch((error) => {
    throw isEmailExists(error) ? userAlreadyExists() : error;
  });
  if (!confirms) return await signIn(email, password);
  return Response.json(await presentUser(settings.sql, user));
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
