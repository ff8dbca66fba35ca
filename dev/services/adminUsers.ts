/**
 * `/auth/v1/admin/users`: what supabase-js calls through `auth.admin`.
 * Source: https://supabase.com/docs/reference/javascript/auth-admin-api
 */

import { Hono } from "hono";
import * as z from "zod";
import { metadataSchema, readBody } from "./body.ts";
import { parseGoDuration } from "./duration.ts";
import { AuthError, emailExists, userNotFound, validationFailed } from "./errors.ts";
import type { Settings } from "./settings.ts";
import {
  assertPassword,
  BCRYPT_COST,
  confirmUser,
  type Database,
  findUserByEmail,
  findUserById,
  firstRow,
  insertIdentity,
  insertUser,
  type Metadata,
  normalizeEmail,
  presentUser,
  toJson,
  type UserRow,
  writingUsers,
} from "./users.ts";

const userSchema = z.object({
  id: z.string().optional(),
  email: z.string().optional(),
  password: z.string().nullish(),
  email_confirm: z.boolean().optional(),
  role: z.string().optional(),
  user_metadata: metadataSchema.nullish(),
  app_metadata: metadataSchema.nullish(),
  ban_duration: z.string().optional(),
});
type UserInput = z.output<typeof userSchema>;

/** The routes, to be mounted at `/auth/v1/admin/users` behind `requireAdmin`. */
export function adminUserRoutes(settings: Settings): Hono {
  const { sql } = settings;
  const routes = new Hono();
  routes.get("/", async (c) => await listUsers(settings, new URL(c.req.url)));
  routes.post("/", async (c) => {
    const user = await createUser(settings, await readBody(c.req.raw, userSchema));
    return Response.json(await presentUser(sql, user));
  });
  routes.get("/:id", async (c) => {
    return Response.json(await presentUser(sql, await requireUser(sql, c.req.param("id"))));
  });
  routes.put("/:id", async (c) => {
    const user = await requireUser(sql, c.req.param("id"));
    const input = await readBody(c.req.raw, userSchema);
    return Response.json(await presentUser(sql, await updateUser(settings, user, input)));
  });
  routes.delete("/:id", async (c) => {
    const user = await requireUser(sql, c.req.param("id"));
    await deleteUser(settings, user, await wantsSoftDelete(c.req.raw));
    return Response.json({});
  });
  return routes;
}

async function requireUser(sql: Database, id: string): Promise<UserRow> {
  if (!z.guid().safeParse(id).success) {
    throw new AuthError(404, "validation_failed", "user_id must be an UUID");
  }
  const user = await findUserById(sql, id);
  if (!user) throw userNotFound();
  return user;
}

async function createUser(settings: Settings, input: UserInput): Promise<UserRow> {
  if (!input.email) throw validationFailed("Cannot create a user without either an email or phone");
  const email = normalizeEmail(input.email);
  const password = input.password || undefined;
  if (password) assertPassword(settings, password);
  const id = input.id || undefined;
  if (id && !z.guid().safeParse(id).success) {
    throw validationFailed("ID must conform to the uuid v4 format");
  }
  const bannedUntil = banEnd(input.ban_duration);
  if (await findUserByEmail(settings.sql, email)) throw emailExists();
  return await writingUsers(settings, "Database error creating new user", async (sql) => {
    const metadata = input.user_metadata ?? {};
    const user = await insertUser(sql, { id, email, password, user_metadata: metadata });
    return await applyChanges(sql, user, { ...input, user_metadata: null }, bannedUntil);
  });
}

async function updateUser(
  settings: Settings,
  user: UserRow,
  input: UserInput,
): Promise<UserRow> {
  const email = input.email ? normalizeEmail(input.email) : undefined;
  if (input.password) assertPassword(settings, input.password);
  const bannedUntil = banEnd(input.ban_duration);
  if (email && email !== user.email && await findUserByEmail(settings.sql, email)) {
    throw emailExists();
  }
  return await writingUsers(settings, "Error updating user", async (sql) => {
    if (email && email !== user.email) await changeEmail(sql, user.id, email);
    if (input.password) await changePassword(sql, user.id, input.password);
    return await applyChanges(sql, user, input, bannedUntil);
  });
}

/** Changes the address at once, without a mail, because an admin asks for it. */
async function changeEmail(sql: Database, id: string, email: string): Promise<void> {
  await sql`
    update auth.users set email = ${email}, email_change = null, email_change_token_new = null,
      email_change_token_current = null, updated_at = now() where id = ${id}`;
  await insertIdentity(sql, id, email);
}

/** A new password ends every session, as in Supabase Auth. */
async function changePassword(sql: Database, id: string, password: string): Promise<void> {
  await sql`
    update auth.users set updated_at = now(), recovery_token = null, encrypted_password =
      extensions.crypt(${password}, extensions.gen_salt('bf', ${BCRYPT_COST}))
    where id = ${id}`;
  await sql`delete from auth.sessions where user_id = ${id}`;
}

/** Merges metadata by key; null removes a key. `bannedUntil` undefined leaves the ban unchanged. */
async function applyChanges(
  sql: Database,
  user: UserRow,
  input: UserInput,
  bannedUntil: Date | null | undefined,
): Promise<UserRow> {
  const appMetadata = merge(user.raw_app_meta_data, input.app_metadata);
  const userMetadata = merge(user.raw_user_meta_data, input.user_metadata);
  const row = firstRow(
    await sql<UserRow[]>`
      update auth.users set
        raw_app_meta_data = ${sql.json(toJson(appMetadata))},
        raw_user_meta_data = ${sql.json(toJson(userMetadata))},
        role = ${input.role || user.role},
        banned_until = ${bannedUntil === undefined ? user.banned_until : bannedUntil},
        updated_at = now()
      where id = ${user.id} returning *`,
  );
  return input.email_confirm && !row.email_confirmed_at ? await confirmUser(sql, user.id) : row;
}

function merge(stored: Metadata | null, changes: Metadata | null | undefined): Metadata {
  const merged = { ...stored, ...changes };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

/** The end of a ban; null for no ban, undefined when the request does not name one. */
function banEnd(duration: string | undefined): Date | null | undefined {
  if (duration === undefined) return undefined;
  if (duration === "none") return null;
  const milliseconds = parseGoDuration(duration);
  if (milliseconds === null) {
    throw validationFailed(`invalid format for ban duration: time: invalid duration "${duration}"`);
  }
  // RFC 3339 has no year beyond 9999.
  return milliseconds === 0 ? null : new Date(Math.min(Date.now() + milliseconds, 253e12));
}

async function wantsSoftDelete(request: Request): Promise<boolean> {
  if (!request.body) return false;
  const schema = z.object({ should_soft_delete: z.boolean().optional() });
  return (await readBody(request, schema)).should_soft_delete ?? false;
}

async function deleteUser(settings: Settings, user: UserRow, soft: boolean): Promise<void> {
  await writingUsers(settings, "Database error deleting user", async (sql) => {
    await sql`delete from auth.sessions where user_id = ${user.id}`;
    await sql`delete from auth.refresh_tokens where user_id = ${user.id}`;
    if (!soft) return await sql`delete from auth.users where id = ${user.id}`;
    await sql`delete from auth.identities where user_id = ${user.id}`;
    // The row stays, because other rows refer to it. Its address becomes free again.
    return await sql`
      update auth.users set deleted_at = now(), encrypted_password = null, raw_user_meta_data = '{}',
        raw_app_meta_data = '{}', email = encode(sha256((id || email)::bytea), 'hex'),
        confirmation_token = null, recovery_token = null
      where id = ${user.id}`;
  });
}

async function listUsers({ sql, apiUrl }: Settings, url: URL): Promise<Response> {
  const page = pageNumber(url, "page", 1);
  const perPage = pageNumber(url, "per_page", 50);
  const pattern = `%${(url.searchParams.get("filter") ?? "").replace(/[\\%_]/g, "\\$&")}%`;
  const matches = sql`email ilike ${pattern} or raw_user_meta_data->>'full_name' ilike ${pattern}`;
  const { total } = firstRow(
    await sql<{ total: number }[]>`
      select count(*)::int as total from auth.users where ${matches}`,
  );
  const rows = await sql<UserRow[]>`
    select * from auth.users where ${matches}
    order by created_at desc, id limit ${perPage} offset ${(page - 1) * perPage}`;
  const users = await Promise.all(rows.map((row) => presentUser(sql, row)));
  const headers = { "x-total-count": String(total), link: links(apiUrl, page, perPage, total) };
  return Response.json({ users, aud: "authenticated" }, { headers });
}

function pageNumber(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name) || String(fallback);
  if (!/^\d{1,9}$/.test(text)) {
    throw validationFailed(`Bad Pagination Parameters: strconv.ParseUint: parsing "${text}"`);
  }
  return Math.max(1, Number(text));
}

function links(apiUrl: string, page: number, perPage: number, total: number): string {
  const last = Math.max(1, Math.ceil(total / perPage));
  const link = (number: number, rel: string) =>
    `<${apiUrl}/auth/v1/admin/users?page=${number}&per_page=${perPage}>; rel="${rel}"`;
  const next = page < last ? [link(page + 1, "next")] : [];
  return [...next, link(last, "last")].join(", ");
}
