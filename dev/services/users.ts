/** Reads and writes rows of `auth.users` and `auth.identities`, and shows them like Supabase Auth. */

import postgres from "postgres";
import { AuthError, emailExists, unexpectedFailure, validationFailed } from "./errors.ts";
import { inTransaction } from "./reservedConnections.ts";
import type { Settings } from "./settings.ts";

/** A pool, or one transaction of it. */
export type Database = postgres.Sql | postgres.TransactionSql;

/** JSON stored with a user. */
export type Metadata = Record<string, unknown>;

/** The columns of `auth.users` that the stack reads. */
export interface UserRow {
  id: string;
  aud: string;
  role: string;
  email: string | null;
  phone: string | null;
  encrypted_password: string | null;
  email_confirmed_at: Date | null;
  confirmed_at: Date | null;
  invited_at: Date | null;
  confirmation_token: string | null;
  confirmation_sent_at: Date | null;
  recovery_sent_at: Date | null;
  email_change: string | null;
  email_change_sent_at: Date | null;
  last_sign_in_at: Date | null;
  raw_app_meta_data: Metadata | null;
  raw_user_meta_data: Metadata | null;
  banned_until: Date | null;
  deleted_at: Date | null;
  is_anonymous: boolean;
  created_at: Date;
  updated_at: Date;
}

/** A new user. Without `id` one is generated. Without `password` the user cannot sign in yet. */
export interface NewUser {
  id?: string;
  email: string;
  password?: string;
  user_metadata?: Metadata;
}

/** bcrypt's cost. Low, because a local stack protects nothing and tests sign many users in. */
export const BCRYPT_COST = 6;

/** The address in lower case. Throws `validation_failed` when it is not an address. */
export function normalizeEmail(email: string | undefined): string {
  if (!email) throw validationFailed("An email address is required");
  if (!/^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]+$/.test(email) || email.length > 255) {
    throw validationFailed("Unable to validate email address: invalid format");
  }
  return email.toLowerCase();
}

/** Throws `weak_password` for a short password, `validation_failed` for one too long for bcrypt. */
export function assertPassword({ config }: Settings, password: string): void {
  const minimum = config.minimum_password_length;
  if (password.length > 72) throw validationFailed("Password cannot be longer than 72 characters");
  if (password.length >= minimum) return;
  throw new AuthError(
    422,
    "weak_password",
    `Password should be at least ${minimum} characters.`,
    { weak_password: { reasons: ["length"] } },
  );
}

/** The first row of a statement. Throws when it returned none. */
export function firstRow<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error("The statement returned no row.");
  return row;
}

/** The user with an id, or null. */
export async function findUserById(sql: Database, id: string): Promise<UserRow | null> {
  const [row] = await sql<UserRow[]>`select * from auth.users where id = ${id}`;
  return row ?? null;
}

/** The user with an address, in upper or lower case, or null. */
export async function findUserByEmail(sql: Database, email: string): Promise<UserRow | null> {
  const [row] = await sql<UserRow[]>`
    select * from auth.users where email = ${email.toLowerCase()} and not is_sso_user`;
  return row ?? null;
}

/** True while the ban lasts. */
export function isBanned(user: UserRow): boolean {
  return user.banned_until !== null && user.banned_until.getTime() > Date.now();
}

/**
 * Inserts a user and the identity of the address. Like Supabase Auth it inserts the user first, and
 * stores `app_metadata` and the confirmation by later updates, so that triggers see the same rows.
 */
export async function insertUser(sql: Database, user: NewUser): Promise<UserRow> {
  const id = user.id ?? crypto.randomUUID();
  const metadata = user.user_metadata ?? {};
  await sql`
    insert into auth.users (id, aud, role, email, encrypted_password, raw_user_meta_data)
    values (${id}, 'authenticated', 'authenticated', ${user.email},
      extensions.crypt(${user.password ?? null}, extensions.gen_salt('bf', ${BCRYPT_COST})),
      ${sql.json(toJson(metadata))})`;
  await insertIdentity(sql, id, user.email);
  return firstRow(
    await sql<UserRow[]>`
      update auth.users
      set raw_app_meta_data = '{"provider": "email", "providers": ["email"]}', updated_at = now()
      where id = ${id} returning *`,
  );
}

/** Inserts the identity "email" of a user, or updates its address. */
export async function insertIdentity(sql: Database, userId: string, email: string): Promise<void> {
  const data = { sub: userId, email, email_verified: false, phone_verified: false };
  await sql`
    insert into auth.identities (id, provider, provider_id, user_id, identity_data)
    values (gen_random_uuid(), 'email', ${userId}, ${userId}, ${sql.json(data)})
    on conflict (provider, provider_id)
    do update set identity_data = auth.identities.identity_data || ${sql.json({ email })},
      updated_at = now()`;
}

/** Confirms the address. */
export async function confirmUser(sql: Database, id: string): Promise<UserRow> {
  return firstRow(
    await sql<UserRow[]>`
      update auth.users set email_confirmed_at = coalesce(email_confirmed_at, now()),
        confirmation_token = null, updated_at = now(),
        raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || '{"email_verified": true}'
      where id = ${id} returning *`,
  );
}

/**
 * Runs `write` in a transaction and turns database errors into those of Supabase Auth. Throws
 * `email_exists` for a taken address, and `unexpected_failure` with `message` for any other error,
 * also for one that a trigger raises.
 */
export async function writingUsers<T>(
  settings: Settings,
  message: string,
  write: (transaction: postgres.ReservedSql) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(settings.sql, write);
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    if (error.constraint_name === "users_email_partial_key") throw emailExists();
    settings.log(`auth: ${message}: ${error.message}`);
    throw unexpectedFailure(message);
  }
}

/** A value in postgres.js's type of JSON. All values here come from JSON.parse. */
export function toJson(value: unknown): postgres.JSONValue {
  return value as postgres.JSONValue;
}

interface IdentityRow {
  id: string;
  provider: string;
  provider_id: string;
  user_id: string;
  identity_data: Metadata;
  email: string | null;
  last_sign_in_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** The user as the API shows it. Fields that are null are left out, as Supabase Auth does. */
export async function presentUser(sql: Database, user: UserRow): Promise<Metadata> {
  const identities = await sql<IdentityRow[]>`
    select * from auth.identities where user_id = ${user.id} order by created_at`;
  const presented = {
    id: user.id,
    aud: user.aud,
    role: user.role,
    email: user.email ?? "",
    email_confirmed_at: user.email_confirmed_at,
    invited_at: user.invited_at,
    phone: user.phone ?? "",
    confirmation_sent_at: user.confirmation_sent_at,
    confirmed_at: user.confirmed_at,
    recovery_sent_at: user.recovery_sent_at,
    new_email: user.email_change,
    email_change_sent_at: user.email_change_sent_at,
    last_sign_in_at: user.last_sign_in_at,
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    identities: identities.map(({ id, provider_id, ...identity }) => ({
      identity_id: id,
      id: provider_id,
      ...identity,
    })),
    created_at: user.created_at,
    updated_at: user.updated_at,
    banned_until: user.banned_until,
    deleted_at: user.deleted_at,
    is_anonymous: user.is_anonymous,
  };
  return Object.fromEntries(Object.entries(presented).filter(([, value]) => value !== null));
}
