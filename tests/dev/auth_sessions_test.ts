/** Sessions and tokens of the local stack's auth server. */
import { assert, assertEquals, assertExists, assertMatch } from "@std/assert";
import { jwtVerify } from "jose";
import {
  adminClient,
  callAuth,
  createConfirmedUser,
  followLink,
  freshEmail,
  newestMail,
  PASSWORD,
  publicClient,
  runSql,
  signIn,
  stack,
} from "./stackUnderTest.ts";

const API_VERSION = { "X-Supabase-Api-Version": "2024-01-01" };

Deno.test("auth errors have the form of the client's API version", async () => {
  const path = `/admin/users/${crypto.randomUUID()}`;
  const old = await callAuth("GET", path);
  assertEquals(old.body, { code: 404, error_code: "user_not_found", msg: "User not found" });
  const current = await callAuth("GET", path, { headers: API_VERSION });
  assertEquals(current.body, { code: "user_not_found", message: "User not found" });
  assertEquals(current.headers.get("x-supabase-api-version"), "2024-01-01");
  const credentials = { email: freshEmail(), password: "wrong one" };
  const forwarded = await callAuth("POST", "/token?grant_type=password", {
    body: credentials,
    headers: API_VERSION,
  });
  const expected = { code: "invalid_credentials", message: "Invalid login credentials" };
  assertEquals([forwarded.status, forwarded.body], [400, expected]);
});

Deno.test("a banned user cannot sign in, refresh, read /user or recover", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  const email = user.email;
  const { client, session } = await signIn(email);
  const banned = await auth.admin.updateUserById(user.id, { ban_duration: "87600h" });
  const years = (Date.parse(banned.data.user?.banned_until ?? "") - Date.now()) / 31_557_600_000;
  assertEquals(Math.round(years), 10);

  const signedIn = await publicClient().auth.signInWithPassword({ email, password: PASSWORD });
  assertEquals([signedIn.error?.status, signedIn.error?.code], [400, "user_banned"]);
  const refreshed = await client.auth.refreshSession();
  assertEquals([refreshed.error?.status, refreshed.error?.code], [400, "user_banned"]);
  const read = await publicClient().auth.getUser(session.access_token);
  assertEquals([read.error?.status, read.error?.code], [403, "user_banned"]);
  await publicClient().auth.resetPasswordForEmail(email);
  const fragment = await followLink((await newestMail(email)).link);
  assertEquals(fragment.get("error_code"), "user_banned");

  await auth.admin.updateUserById(user.id, { ban_duration: "none" });
  assertEquals((await signIn(email)).user.id, user.id);
});

Deno.test("ban_duration accepts Go durations", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  const durations = { "1h30m": 5400, "300ms": 0.3, "1.5h": 5400, "2s": 2 };
  for (const [ban_duration, seconds] of Object.entries(durations)) {
    const before = Date.now();
    const { data } = await auth.admin.updateUserById(user.id, { ban_duration });
    const begin = Date.parse(data.user?.banned_until ?? "") - seconds * 1_000;
    assert(begin >= before - 1_000 && begin <= Date.now() + 1_000, `${ban_duration}: ${begin}`);
  }
  const bad = await auth.admin.updateUserById(user.id, { ban_duration: "1 hour" });
  assertEquals([bad.error?.status, bad.error?.code], [400, "validation_failed"]);
});

Deno.test("auth.admin.signOut ends the sessions of the token's user", async () => {
  const user = await createConfirmedUser();
  const [first, second] = [await signIn(user.email), await signIn(user.email)];
  const { error } = await adminClient().auth.admin.signOut(first.session.access_token, "global");
  assertEquals(error, null);
  for (const { client, session } of [first, second]) {
    assertEquals((await client.auth.refreshSession()).error?.code, "refresh_token_not_found");
    const read = await callAuth("GET", "/user", { token: session.access_token });
    assertEquals([read.status, read.headers.get("x-sb-error-code")], [403, "session_not_found"]);
  }
});

Deno.test("deleting the rows of auth.sessions ends a user's sessions", async () => {
  const user = await createConfirmedUser();
  const { client, session } = await signIn(user.email);
  await runSql((sql) => sql`delete from auth.sessions where user_id = ${user.id}`);
  assertEquals((await client.auth.refreshSession()).error?.code, "refresh_token_not_found");
  const read = await callAuth("GET", "/user", { token: session.access_token });
  assertEquals(read.status, 403);
});

Deno.test("access tokens carry the claims of Supabase Auth, after a refresh too", async () => {
  const user = await createConfirmedUser();
  const { client, session } = await signIn(user.email);
  const refreshed = await client.auth.refreshSession();
  const tokens = [session.access_token, refreshed.data.session?.access_token ?? ""];
  for (const token of tokens) {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      new TextEncoder().encode(stack.jwtSecret),
      { issuer: `${stack.apiUrl}/auth/v1`, audience: "authenticated", algorithms: ["HS256"] },
    );
    assertEquals(protectedHeader.alg, "HS256");
    assertEquals([payload.sub, payload.role], [user.id, "authenticated"]);
    assertEquals([payload.email, payload.aal], [user.email, "aal1"]);
    assertMatch(String(payload.session_id), /^[0-9a-f-]{36}$/);
    assertEquals(Number(payload.exp) - Number(payload.iat), 3600);
  }
});

Deno.test("auth.signUp opens a session and refuses a taken address", async () => {
  const email = freshEmail();
  const options = { data: { first_name: "Lin" } };
  const results = await Promise.all(
    [1, 2].map(() => publicClient().auth.signUp({ email, password: PASSWORD, options })),
  );
  const [winner] = results.filter(({ error }) => error === null);
  const [loser] = results.filter(({ error }) => error !== null);
  assertExists(winner?.data.session?.access_token);
  assertEquals(winner?.data.user?.user_metadata.first_name, "Lin");
  assertEquals([loser?.error?.status, loser?.error?.code], [422, "user_already_exists"]);
});

Deno.test("auth.updateUser stores metadata and a password as JSON objects and hashes", async () => {
  const user = await createConfirmedUser();
  const { client } = await signIn(user.email);
  const password = "another horse";
  const { data, error } = await client.auth.updateUser({ password, data: { city: "Graz" } });
  assertEquals(error, null);
  assertEquals(data.user?.user_metadata.city, "Graz");
  const { data: read } = await adminClient().auth.admin.getUserById(user.id);
  assertEquals(read.user?.user_metadata.city, "Graz");
  assertEquals((await signIn(user.email, password)).user.id, user.id);
});

Deno.test("the services answer preflights of any origin", async () => {
  const headers = {
    Origin: "https://elsewhere.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "apikey, content-type, x-client-info",
  };
  for (const path of ["/auth/v1/token", "/rest/v1/contacts", "/storage/v1/bucket"]) {
    const response = await fetch(`${stack.apiUrl}${path}`, { method: "OPTIONS", headers });
    assertEquals(response.status, 204);
    assertEquals(response.headers.get("Access-Control-Allow-Origin"), "*");
    assertMatch(response.headers.get("Access-Control-Allow-Headers") ?? "", /apikey/);
  }
});
