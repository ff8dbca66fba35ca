/** The auth admin API of the local stack answers like Supabase Auth. */
import type postgres from "postgres";
import { assertEquals, assertExists, assertGreaterOrEqual, assertMatch } from "@std/assert";
import {
  adminClient,
  callAuth,
  createConfirmedUser,
  followLink,
  freshEmail,
  PASSWORD,
  publicClient,
  runSql,
  signIn,
  stack,
} from "./stackUnderTest.ts";

Deno.test("auth.admin.createUser keeps the given id, metadata and confirmation", async () => {
  const id = crypto.randomUUID();
  const email = freshEmail();
  const { data, error } = await adminClient().auth.admin.createUser({
    id,
    email: email.toUpperCase(),
    password: PASSWORD,
    email_confirm: true,
    user_metadata: { first_name: "Ada" },
    app_metadata: { plan: "free" },
  });
  assertEquals(error, null);
  assertEquals(data.user?.id, id);
  assertEquals(data.user?.email, email);
  assertExists(data.user?.email_confirmed_at);
  assertEquals(data.user?.user_metadata.first_name, "Ada");
  assertEquals(data.user?.app_metadata, { provider: "email", providers: ["email"], plan: "free" });
  assertEquals(data.user?.identities?.[0]?.provider, "email");
  assertEquals((await signIn(email)).user.id, id);
});

Deno.test("auth.admin.createUser answers 422 email_exists for an address in any case", async () => {
  const user = await createConfirmedUser();
  const email = user.email?.toUpperCase();
  const { error } = await adminClient().auth.admin.createUser({ email });
  assertEquals([error?.status, error?.code], [422, "email_exists"]);
});

Deno.test("auth.admin.createUser succeeds for one of several calls at the same time", async () => {
  const email = freshEmail();
  const calls = Array.from({ length: 5 }, () => adminClient().auth.admin.createUser({ email }));
  const results = await Promise.all(calls);
  const refusals = results.filter(({ error }) => error).map(({ error }) => error?.code);
  assertEquals(refusals, Array(4).fill("email_exists"));
});

Deno.test("auth.admin.createUser names the error of the request", async () => {
  const cases: [unknown, number, string][] = [
    [{}, 400, "validation_failed"],
    [{ email: "no address" }, 400, "validation_failed"],
    [{ email: freshEmail(), id: "7" }, 400, "validation_failed"],
    [{ email: freshEmail(), ban_duration: "a week" }, 400, "validation_failed"],
    [{ email: freshEmail(), email_confirm: "yes" }, 400, "validation_failed"],
    [{ email: freshEmail(), password: "short" }, 422, "weak_password"],
    [{ email: freshEmail(), password: "x".repeat(73) }, 400, "validation_failed"],
    ["{ not json", 400, "bad_json"],
  ];
  for (const [body, status, code] of cases) {
    const answer = await callAuth("POST", "/admin/users", { body });
    assertEquals(answer.status, status, JSON.stringify(body));
    assertEquals(answer.headers.get("x-sb-error-code"), code, JSON.stringify(body));
  }
});

Deno.test("auth.admin accepts only the secret key and service_role", async () => {
  const user = await createConfirmedUser();
  const { session } = await signIn(user.email);
  const { publishableKey, secretKey } = stack;
  const token = session.access_token;
  for (const path of ["/admin/users", `/admin/users/${user.id}`, "/admin/generate_link"]) {
    const method = path.endsWith("link") ? "POST" : "GET";
    const asAnybody = await callAuth(method, path, { key: publishableKey });
    assertEquals([asAnybody.status, asAnybody.headers.get("x-sb-error-code")], [403, "not_admin"]);
    const asUser = await callAuth(method, path, { key: publishableKey, token });
    assertEquals([asUser.status, asUser.headers.get("x-sb-error-code")], [403, "not_admin"]);
    assertEquals((await callAuth(method, path, { key: "sb_secret_other" })).status, 401);
    const forged = await callAuth(method, path, { key: publishableKey, token: `${token}x` });
    assertEquals([forged.status, forged.headers.get("x-sb-error-code")], [403, "bad_jwt"]);
  }
  const invited = await callAuth("POST", "/invite", { key: publishableKey, body: {} });
  assertEquals(invited.status, 403);
  const withBearer = await callAuth("GET", "/admin/users", { token: secretKey });
  assertEquals(withBearer.status, 200);
  const inQuery = await fetch(`${stack.apiUrl}/auth/v1/admin/users?apikey=${secretKey}`);
  await inQuery.body?.cancel();
  assertEquals(inQuery.status, 200);
});

Deno.test("auth.admin.updateUserById merges metadata and drops keys set to null", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  await auth.admin.updateUserById(user.id, { user_metadata: { a: 1, b: { c: 2 } } });
  const { data } = await auth.admin.updateUserById(user.id, { user_metadata: { a: null, d: 3 } });
  assertEquals(data.user?.user_metadata, { b: { c: 2 }, d: 3, email_verified: true });
});

Deno.test("auth.admin.updateUserById changes the address at once", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  const email = freshEmail();
  const { data } = await auth.admin.updateUserById(user.id, { email });
  assertEquals(data.user?.email, email);
  assertEquals(data.user?.identities?.[0]?.identity_data?.email, email);
  assertEquals((await signIn(email)).user.id, user.id);
  const other = await createConfirmedUser();
  const taken = await auth.admin.updateUserById(user.id, { email: other.email });
  assertEquals([taken.error?.status, taken.error?.code], [422, "email_exists"]);
});

Deno.test("auth.admin.updateUserById with a password ends the sessions before it", async () => {
  const user = await createConfirmedUser();
  const { client } = await signIn(user.email);
  const password = "another horse";
  const { error } = await adminClient().auth.admin.updateUserById(user.id, { password });
  assertEquals(error, null);
  assertEquals((await client.auth.refreshSession()).error?.code, "refresh_token_not_found");
  assertEquals((await signIn(user.email, password)).user.id, user.id);
});

Deno.test("auth.admin answers 404 user_not_found for an unknown id", async () => {
  const { admin } = adminClient().auth;
  const id = crypto.randomUUID();
  const errors = [
    (await admin.getUserById(id)).error,
    (await admin.updateUserById(id, { ban_duration: "none" })).error,
    (await admin.deleteUser(id)).error,
  ];
  for (const error of errors) assertEquals([error?.status, error?.code], [404, "user_not_found"]);
});

Deno.test("auth.admin.deleteUser ends the account and frees the address", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  const { session } = await signIn(user.email);
  const ownedBy = (sql: postgres.Sql) =>
    sql`select id from public.sales where user_id = ${user.id}`;
  await runSql((sql) => sql`insert into public.contacts (sales_id) ${ownedBy(sql)}`);
  const refused = await auth.admin.deleteUser(user.id);
  assertEquals(refused.error?.message, "Database error deleting user", "a record refers to them");
  await runSql((sql) => sql`delete from public.contacts where sales_id in (${ownedBy(sql)})`);
  assertEquals((await auth.admin.deleteUser(user.id)).error, null);
  const read = await publicClient().auth.getUser(session.access_token);
  assertEquals([read.error?.status, read.error?.code], [403, "user_not_found"]);
  assertExists(await createConfirmedUser(user.email));
});

Deno.test("auth.admin.deleteUser with a soft delete keeps the row and frees the address", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  assertEquals((await auth.admin.deleteUser(user.id, true)).error, null);
  const { data } = await auth.admin.getUserById(user.id);
  assertExists(data.user?.deleted_at);
  assertExists(await createConfirmedUser(user.email));
});

Deno.test("auth.admin.listUsers pages", async () => {
  const { auth } = adminClient();
  await Promise.all([createConfirmedUser(), createConfirmedUser(), createConfirmedUser()]);
  const { data, error } = await auth.admin.listUsers({ page: 1, perPage: 2 });
  assertEquals(error, null);
  assertEquals(data.users.length, 2);
  assertGreaterOrEqual("total" in data ? data.total : 0, 3);
  const answer = await callAuth("GET", "/admin/users?page=1&per_page=2");
  assertMatch(answer.headers.get("link") ?? "", /<[^>]+page=2&per_page=2>; rel="next"/);
  assertGreaterOrEqual(Number(answer.headers.get("x-total-count")), 3);
  assertEquals((await callAuth("GET", "/admin/users?page=x")).status, 400);
});

Deno.test("auth.admin.generateLink opens a session without a mail", async () => {
  const { auth } = adminClient();
  const user = await createConfirmedUser();
  const email = user.email;
  for (const type of ["recovery", "magiclink"] as const) {
    const redirectTo = "http://localhost:3000/welcome";
    const { data } = await auth.admin.generateLink({ type, email, options: { redirectTo } });
    assertEquals(data.properties?.verification_type, type);
    assertEquals(data.properties?.redirect_to, redirectTo);
    assertMatch(data.properties?.email_otp ?? "", /^\d{6}$/);
    const fragment = await followLink(new URL(data.properties?.action_link ?? ""));
    assertEquals(fragment.get("type"), type);
    const { data: read } = await publicClient().auth.getUser(fragment.get("access_token") ?? "");
    assertEquals(read.user?.id, user.id);
  }
});

Deno.test("auth.admin.generateLink makes the user of an invitation or a sign-up", async () => {
  const { auth } = adminClient();
  const invited = freshEmail();
  const data = { first_name: "Grace" };
  const invite = await auth.admin.generateLink({
    type: "invite",
    email: invited,
    options: { data },
  });
  assertEquals(invite.data.user?.user_metadata.first_name, "Grace");
  const token_hash = invite.data.properties?.hashed_token ?? "";
  const accepted = await publicClient().auth.verifyOtp({ type: "invite", token_hash });
  assertEquals(accepted.data.user?.email, invited);
  const again = await publicClient().auth.verifyOtp({ type: "invite", token_hash });
  assertEquals([again.error?.status, again.error?.code], [403, "otp_expired"]);

  const email = freshEmail();
  const signUp = await auth.admin.generateLink({ type: "signup", email, password: PASSWORD });
  const token = signUp.data.properties?.email_otp ?? "";
  const verified = await publicClient().auth.verifyOtp({ type: "signup", email, token });
  assertEquals(verified.error, null);
  assertEquals((await signIn(email)).user.email, email);
});

Deno.test("auth.admin.generateLink refuses requests that are not valid", async () => {
  const { auth } = adminClient();
  const { email } = await createConfirmedUser();
  const unknown = await auth.admin.generateLink({ type: "recovery", email: freshEmail() });
  assertEquals([unknown.error?.status, unknown.error?.code], [404, "user_not_found"]);
  const exists = await auth.admin.generateLink({ type: "invite", email });
  assertEquals([exists.error?.status, exists.error?.code], [422, "email_exists"]);
  const wrong = await callAuth("POST", "/admin/generate_link", { body: { type: "sms", email } });
  assertEquals([wrong.status, wrong.headers.get("x-sb-error-code")], [400, "validation_failed"]);
});

Deno.test("auth.admin.createUser answers 500 and stores nothing when a trigger refuses the user", async () => {
  const [id, email] = [crypto.randomUUID(), freshEmail()];
  const name = `refuse_${id.replaceAll("-", "")}`;
  await runSql((sql) =>
    sql.unsafe(`
      create schema ${name};
      create function ${name}.refuse() returns trigger language plpgsql set search_path = '' as $$
        begin raise exception 'refused'; end $$;
      revoke execute on function ${name}.refuse() from public;
      create trigger ${name} after insert on auth.users for each row
        when (new.email = '${email}') execute function ${name}.refuse();`)
  );
  try {
    const answer = await callAuth("POST", "/admin/users", { body: { id, email } });
    const msg = "Database error creating new user";
    const expected = { code: 500, error_code: "unexpected_failure", msg };
    assertEquals([answer.status, answer.body], [500, expected]);
  } finally {
    await runSql((sql) => sql.unsafe(`drop schema ${name} cascade`));
  }
  const { error } = await adminClient().auth.admin.getUserById(id);
  assertEquals(error?.code, "user_not_found");
});
