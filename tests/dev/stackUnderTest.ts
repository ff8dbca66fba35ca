/** The local stack under test, and clients of it. */

import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import * as z from "zod";
import { present } from "../support/exactly.ts";

const stackSchema = z.object({
  apiUrl: z.string(),
  mailUrl: z.string(),
  publishableKey: z.string(),
  secretKey: z.string(),
  jwtSecret: z.string(),
  superuserUrl: z.string(),
});

/** Addresses and keys, from PORTICO_TEST_STACK. */
export const stack = stackSchema.parse(JSON.parse(Deno.env.get("PORTICO_TEST_STACK") ?? "{}"));

const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };

/** A client with the secret key. */
export function adminClient(): SupabaseClient {
  return createClient(stack.apiUrl, stack.secretKey, { auth });
}

/** A client with the publishable key, without a session. */
export function publicClient(): SupabaseClient {
  return createClient(stack.apiUrl, stack.publishableKey, { auth });
}

/** An address that no other test uses. */
export function freshEmail(): string {
  return `user-${crypto.randomUUID()}@example.test`;
}

/** A valid password. */
export const PASSWORD = "correct horse";

/** Signs in and returns the client with its session. Throws when refused. */
export async function signIn(email: string, password = PASSWORD) {
  const client = publicClient();
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  return { client, session: data.session, user: data.user };
}

/** Creates a confirmed user with a password. */
export async function createConfirmedUser(email = freshEmail()) {
  const attributes = { email, password: PASSWORD, email_confirm: true };
  const { data, error } = await adminClient().auth.admin.createUser(attributes);
  if (error) throw error;
  return { ...data.user, email: present(data.user.email, "address of the user") };
}

/** Calls the auth API without supabase-js, to read statuses, headers and bodies unchanged. */
export async function callAuth(
  method: string,
  path: string,
  options: { key?: string; token?: string; body?: unknown; headers?: Record<string, string> } = {},
) {
  const headers = new Headers(options.headers);
  headers.set("apikey", options.key ?? stack.secretKey);
  if (options.token) headers.set("Authorization", `Bearer ${options.token}`);
  const raw = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
  const response = await fetch(`${stack.apiUrl}/auth/v1${path}`, {
    method,
    headers,
    body: raw,
    redirect: "manual",
  });
  const text = await response.text();
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

/** Runs SQL as the superuser. */
export async function runSql(run: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end();
  }
}

const mailSchema = z.object({
  id: z.string(),
  to: z.string(),
  from: z.string(),
  subject: z.string(),
  html: z.string(),
  text: z.string(),
  link: z.string().nullable(),
  sent_at: z.iso.datetime(),
});

/** The mails to an address, newest first. */
export async function mailsTo(email: string) {
  const response = await fetch(`${stack.mailUrl}/messages?to=${encodeURIComponent(email)}`);
  return z.array(mailSchema).parse(await response.json());
}

/** The newest mail to an address and the link in it. Throws when there is none. */
export async function newestMail(email: string) {
  const [mail] = await mailsTo(email);
  if (!mail) throw new Error(`No mail was sent to ${email}.`);
  return { ...mail, link: new URL(present(mail.link, "link in the mail")) };
}

/** Makes the mail server refuse the next mails to an address. */
export async function refuseMail(email: string, count = 1): Promise<void> {
  const body = JSON.stringify({ count, to: email });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${stack.mailUrl}/refuse`, { method: "POST", headers, body });
  if (response.status !== 204) throw new Error(await response.text());
}

/** Follows a link of a mail. Returns the parameters in the fragment of its target. */
export async function followLink(link: URL): Promise<URLSearchParams> {
  const response = await fetch(link, { redirect: "manual" });
  await response.body?.cancel();
  return new URLSearchParams(
    new URL(present(response.headers.get("Location"), "Location")).hash.slice(1),
  );
}
