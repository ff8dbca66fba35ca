/**
 * `POST /invite` and `POST /admin/generate_link`.
 * Source: https://supabase.com/docs/reference/javascript/auth-admin-generatelink
 */

import * as z from "zod";
import { metadataSchema, readBody } from "./body.ts";
import { emailExists, userNotFound, validationFailed } from "./errors.ts";
import { issueToken, type LinkType, redirectTarget, requestedRedirect, sendLink } from "./links.ts";
import type { Settings } from "./settings.ts";
import {
  assertPassword,
  type Database,
  findUserByEmail,
  firstRow,
  insertUser,
  type Metadata,
  normalizeEmail,
  presentUser,
  toJson,
  type UserRow,
  writingUsers,
} from "./users.ts";

const inviteSchema = z.object({ email: z.string().optional(), data: metadataSchema.nullish() });

/**
 * `POST /invite`. One transaction: when the mail cannot be sent, a new user is rolled back. An
 * unconfirmed user gets another mail. Throws `email_exists` for a confirmed user.
 */
export async function invite(settings: Settings, request: Request): Promise<Response> {
  const input = await readBody(request, inviteSchema);
  const email = normalizeEmail(input.email);
  const redirectTo = requestedRedirect(settings, request);
  return await writingUsers(settings, "Database error saving new user", async (sql) => {
    const user = await findOrInsertUnconfirmed(sql, email, input.data ?? {});
    await sendLink(settings, sql, user, "invite", redirectTo);
    return Response.json(await presentUser(sql, await reread(sql, email)));
  });
}

async function findOrInsertUnconfirmed(
  sql: Database,
  email: string,
  data: Metadata,
  password?: string,
): Promise<UserRow> {
  const user = await findUserByEmail(sql, email);
  if (!user) return await insertUser(sql, { email, password, user_metadata: data });
  if (user.confirmed_at) throw emailExists();
  return user;
}

async function reread(sql: Database, email: string): Promise<UserRow> {
  const user = await findUserByEmail(sql, email);
  if (!user) throw userNotFound("User with this email not found");
  return user;
}

const generateSchema = z.object({
  type: z.string(),
  email: z.string().optional(),
  password: z.string().nullish(),
  data: metadataSchema.nullish(),
  redirect_to: z.string().nullish(),
});
type GenerateInput = z.output<typeof generateSchema>;

/** `POST /admin/generate_link`: a link without a mail, for callers who send their own mails. */
export async function generateLink(settings: Settings, request: Request): Promise<Response> {
  const input = await readBody(request, generateSchema);
  const requested = new URL(request.url).searchParams.get("redirect_to") ?? input.redirect_to;
  const redirectTo = redirectTarget(settings, requested);
  const email = normalizeEmail(input.email);
  return await writingUsers(settings, "Database error saving new user", async (sql) => {
    const { type, user } = await userOfLink(settings, sql, email, input);
    const token = await issueToken(settings, sql, user, type, redirectTo);
    return Response.json({
      ...await presentUser(sql, await reread(sql, email)),
      action_link: token.link,
      email_otp: token.otp,
      hashed_token: token.hash,
      verification_type: type,
      redirect_to: redirectTo,
    });
  });
}

/** Finds or inserts the user of a link. A magic link for an unknown address becomes a sign-up. */
async function userOfLink(
  settings: Settings,
  sql: Database,
  email: string,
  input: GenerateInput,
): Promise<{ type: LinkType; user: UserRow }> {
  const data = input.data ?? {};
  if (input.type === "recovery") return { type: "recovery", user: await reread(sql, email) };
  if (input.type === "invite") {
    return { type: "invite", user: await findOrInsertUnconfirmed(sql, email, data) };
  }
  if (input.type === "magiclink") {
    const user = await findUserByEmail(sql, email);
    if (user) return { type: "magiclink", user };
    return { type: "signup", user: await insertUser(sql, { email, user_metadata: data }) };
  }
  if (input.type !== "signup") {
    throw validationFailed(`Invalid email action link type requested: ${input.type}`);
  }
  if (!input.password) throw validationFailed("Signup requires a valid password");
  assertPassword(settings, input.password);
  const user = await findOrInsertUnconfirmed(sql, email, data, input.password);
  return { type: "signup", user: await storeData(sql, user, data) };
}

async function storeData(sql: Database, user: UserRow, data: Metadata): Promise<UserRow> {
  return firstRow(
    await sql<UserRow[]>`
      update auth.users
      set raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || ${sql.json(toJson(data))}
      where id = ${user.id} returning *`,
  );
}
