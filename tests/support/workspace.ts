/**
 * A separate workspace for every test, on the stack of `deno task test`.
 *
 *     const workspace = await createWorkspace();
 *     const rep = await workspace.addMember("rep");
 *     const answer = await rep.api.post("/contacts", { first_name: "Ada" });
 *     assertEquals(answer.status, 201);
 *
 * `admin` has founded it by signing up. `sql` is a superuser's connection for assertions. It stays open
 * as long as the test process, so register tests that use it by `test()` of this module.
 */
import postgres from "postgres";
import * as z from "zod";
import { only } from "./exactly.ts";

const stackSchema = z.object({
  apiUrl: z.string(),
  functionUrl: z.string(),
  mailUrl: z.string(),
  superuserUrl: z.string(),
  publishableKey: z.string(),
  secretKey: z.string(),
  jwtSecret: z.string(),
});

/** Addresses and keys of the stack, from PORTICO_TEST_STACK. */
export const stack = stackSchema.parse(JSON.parse(Deno.env.get("PORTICO_TEST_STACK") ?? "{}"));

/** A connection as superuser, for preparing rows and for assertions. */
export const sql = await openDatabase({ max: 4 });

export type Role = "admin" | "manager" | "rep";

/** An answer with its parsed body. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON of any shape. */
  // deno-lint-ignore no-explicit-any
  body: any;
}

/** Requests as one caller. Paths are below `/functions/v1/api`; a path that begins with `http` is a URL. */
export interface Api {
  get(path: string, headers?: HeadersInit): Promise<Answer>;
  post(path: string, body?: unknown, headers?: HeadersInit): Promise<Answer>;
  patch(path: string, body: unknown, headers?: HeadersInit): Promise<Answer>;
  delete(path: string, headers?: HeadersInit): Promise<Answer>;
}

/** A signed-in member. */
export interface TestMember {
  /** Id in `sales`. */
  id: number;
  user_id: string;
  email: string;
  role: Role;
  token: string;
  refresh_token: string;
  api: Api;
}

export interface Workspace {
  id: string;
  /** The founder of the workspace. */
  admin: TestMember;
  /** Adds a member who has joined and is signed in. */
  addMember(role: Role): Promise<TestMember>;
}

/** The password of every test user. */
export const PASSWORD = "correct horse battery";

/** Connects as a superuser. Returns when the driver parses arrays. */
export async function openDatabase<Types extends Record<string, postgres.PostgresType>>(
  options: postgres.Options<Types>,
) {
  const opened = postgres(stack.superuserUrl, { idle_timeout: 1, onnotice() {}, ...options });
  // The driver fetches the array types with its first statement, and may parse the rows of that
  // statement before it has stored them. Arrays in these rows would be text.
  await opened`select`;
  return opened;
}

/** Registers a test that may leave the shared database connection open. */
export function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name, fn: run, sanitizeResources: false, sanitizeOps: false });
}

/** An address that no other test uses. */
export function freshEmail(): string {
  return `user-${crypto.randomUUID()}@example.test`;
}

/** Signs a new user up, who founds a workspace. */
export async function createWorkspace(): Promise<Workspace> {
  const email = freshEmail();
  const data = { first_name: "Ada", last_name: "Admin" };
  await auth("/signup", { email, password: PASSWORD, data });
  const admin = await signIn(email);
  const { id } = only(
    await sql<{ id: string }[]>`
    select workspace_id as id from public.sales where id = ${admin.id}`,
  );
  return { id, admin, addMember: (role) => addMember(id, role) };
}

/** Signs a member in. Throws when the sign-in is refused. */
export async function signIn(email: string, password = PASSWORD): Promise<TestMember> {
  const { body } = await auth("/token?grant_type=password", { email, password });
  const [member] = await sql<{ id: number; user_id: string; role: Role }[]>`
    select id::int as id, user_id, role from public.sales where user_id = ${body.user.id}`;
  if (!member) throw new Error(`${email} is no member.`);
  const { access_token: token, refresh_token } = body;
  return { ...member, email, token, refresh_token, api: api(token) };
}

/** Requests with an access token, or without one. */
export function api(token?: string): Api {
  const send = async (method: string, path: string, body: unknown, given: HeadersInit = {}) => {
    const headers = new Headers(given);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const url = path.startsWith("http") ? path : stack.functionUrl + path;
    return answerOf(await fetch(url, { method, headers, body: JSON.stringify(body) }));
  };
  return {
    get: (path, headers) => send("GET", path, undefined, headers),
    post: (path, body, headers) => send("POST", path, body, headers),
    patch: (path, body, headers) => send("PATCH", path, body, headers),
    delete: (path, headers) => send("DELETE", path, undefined, headers),
  };
}

/** Calls the auth server with a body. Throws on a refusal unless `refusable`. */
export async function auth(path: string, body: unknown, refusable = false): Promise<Answer> {
  const answer = await answerOf(
    await fetch(`${stack.apiUrl}/auth/v1${path}`, {
      method: "POST",
      headers: {
        apikey: path.startsWith("/admin") ? stack.secretKey : stack.publishableKey,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(body),
    }),
  );
  if (answer.status >= 400 && !refusable) {
    throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return answer;
}

/** The mails to an address, newest first. */
export async function mailsTo(email: string): Promise<{ subject: string; link: string | null }[]> {
  return (await answerOf(await fetch(`${stack.mailUrl}/messages?to=${encodeURIComponent(email)}`)))
    .body;
}

/** Follows the link of a mail. Returns the fragment that the auth server redirects to. */
export async function followLink(link: string | null | undefined): Promise<string> {
  if (!link) throw new Error("The mail has no link.");
  const response = await fetch(link, { redirect: "manual" });
  await response.body?.cancel();
  return new URL(headerOf(response, "Location")).hash.slice(1);
}

/** Makes the mail server refuse the next mails to an address. */
export async function refuseMail(email: string, count = 1): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ count, to: email });
  const response = await fetch(`${stack.mailUrl}/refuse`, { method: "POST", headers, body });
  if (response.status !== 204) throw new Error(await response.text());
}

/** Adds a member as an invitation does, without its mail. */
async function addMember(workspaceId: string, role: Role): Promise<TestMember> {
  const id = crypto.randomUUID();
  const email = freshEmail();
  await sql`
    insert into public.invitations (id, workspace_id, email, first_name, last_name, role)
    values (${id}, ${workspaceId}, ${email}, 'Max', ${role}, ${role})`;
  await auth("/admin/users", { id, email, password: PASSWORD, email_confirm: true });
  return await signIn(email);
}

/** Returns a header of an answer. Throws when it is missing. */
export function headerOf({ headers }: Pick<Answer, "headers">, name: string): string {
  const value = headers.get(name);
  if (value === null) throw new Error(`The answer has no ${name}.`);
  return value;
}

/** The answer with its body read. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = /[/+]json\b/.test(response.headers.get("Content-Type") ?? "") && text !== "";
  return {
    status: response.status,
    headers: response.headers,
    body: json ? JSON.parse(text) : text,
  };
}
