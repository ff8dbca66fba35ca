/** users.update: access, roles, addresses, and the last active admin. */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import type { TransactionSql } from "postgres";
import {
  auth,
  createWorkspace,
  followLink,
  freshEmail,
  headerOf,
  mailsTo,
  PASSWORD,
  refuseMail,
  signIn,
  sql,
  stack,
  test,
} from "../../support/workspace.ts";

async function isBanned(user_id: string): Promise<boolean> {
  const [user] = await sql<{ banned: boolean | null }[]>`
    select banned_until > now() as banned from auth.users where id = ${user_id}`;
  return user?.banned ?? false;
}

test("me.update and users.update answer 412 to an outdated version", async () => {
  const { admin } = await createWorkspace();
  const { headers } = await admin.api.get("/me");
  const ifMatch = { "If-Match": headerOf({ headers }, "ETag") };
  assertEquals((await admin.api.patch("/me", { first_name: "A" }, ifMatch)).status, 200);
  for (const path of ["/me", `/users/${admin.id}`]) {
    const { status, body } = await admin.api.patch(path, { first_name: "B" }, ifMatch);
    assertEquals([status, body.code, body.current.first_name], [412, "precondition_failed", "A"]);
  }
  const { body: invited } = await admin.api.post("/users", {
    email: freshEmail(),
    first_name: "Ina",
    last_name: "Vited",
  });
  const email = freshEmail();
  const refused = await admin.api.patch(`/users/${invited.id}`, { email }, ifMatch);
  assertEquals(refused.status, 412);
  assertEquals((await admin.api.get(`/users/${invited.id}`)).body.email, invited.email);
});

test("users.update changes the given fields and never lifts a ban", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await admin.api.patch(`/users/${rep.id}`, { disabled: true });
  assert(await isBanned(rep.user_id));
  const { status, body } = await admin.api.patch(`/users/${rep.id}`, {
    first_name: "New",
    role: "manager",
  });
  assertEquals([status, body.first_name, body.role, body.disabled], [200, "New", "manager", true]);
  assert(await isBanned(rep.user_id));
  const enabled = await admin.api.patch(`/users/${rep.id}`, { disabled: false });
  assertEquals([enabled.body.disabled, enabled.body.role], [false, "manager"]);
  assertEquals(await isBanned(rep.user_id), false);
});

test("users.update with disabled ends every session at once", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  assertEquals((await rep.api.get("/me")).status, 200);
  assertEquals((await admin.api.patch(`/users/${rep.id}`, { disabled: true })).status, 200);
  const out = await rep.api.get("/me");
  assertEquals([out.status, out.body.code], [403, "member_disabled"]);
  const sessions = await sql`select from auth.sessions where user_id = ${rep.user_id}`;
  assertEquals(sessions.length, 0);
  const refresh = { refresh_token: rep.refresh_token };
  assertEquals((await auth("/token?grant_type=refresh_token", refresh, true)).status, 400);
  const credentials = { email: rep.email, password: PASSWORD };
  assertEquals((await auth("/token?grant_type=password", credentials, true)).status, 400);
  await admin.api.patch(`/users/${rep.id}`, { disabled: false });
  assertEquals((await auth("/token?grant_type=refresh_token", refresh, true)).status, 400);
  assertEquals((await (await signIn(rep.email)).api.get("/me")).status, 200);
});

test("users.update answers 403 to a rep who changes role, access or other users, before any change", async () => {
  const { addMember } = await createWorkspace();
  const [rep, other] = await Promise.all([addMember("rep"), addMember("rep")]);
  const changes = { first_name: "X", role: "admin", disabled: true, email: freshEmail() };
  const own = await rep.api.patch(`/users/${rep.id}`, changes);
  assertEquals([own.status, own.body.code], [403, "admin_required"]);
  assertEquals(Object.keys(own.body.errors).sort(), ["disabled", "role"]);
  const others = await rep.api.patch(`/users/${other.id}`, { first_name: "X" });
  assertEquals([others.status, others.body.code], [403, "admin_required"]);
  const rows = await sql`
    select users.email, sales.first_name, sales.role, users.banned_until
    from public.sales join auth.users on users.id = sales.user_id
    where sales.id in (${rep.id}, ${other.id}) order by sales.id`;
  const unchanged = [rep, other].sort((a, b) => a.id - b.id).map(({ email }) => (
    { email, first_name: "Max", role: "rep", banned_until: null }
  ));
  assertEquals([...rows], unchanged);
  const profile = await rep.api.patch(`/users/${rep.id}`, { first_name: "Rae" });
  assertEquals([profile.status, profile.body.first_name], [200, "Rae"]);
});

test("users.update answers 404 to users of another workspace", async () => {
  const [here, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const path = `/users/${elsewhere.admin.id}`;
  const answers = await Promise.all([
    here.admin.api.patch(path, { first_name: "X" }),
    here.admin.api.patch(path, { email: freshEmail() }),
    here.admin.api.delete(path),
    here.admin.api.post(`${path}/restore`),
    here.admin.api.post(`${path}/resend_invite`),
    here.admin.api.post(`${path}/password_reset`),
  ]);
  assertEquals(answers.map(({ status }) => status), [404, 404, 404, 404, 404, 404]);
  assertEquals((await elsewhere.admin.api.get("/me")).body.email, elsewhere.admin.email);
});

test("users.update refuses the address of a user who has joined, and says how to change it", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const rest = { apikey: stack.publishableKey };
  const attempts = [
    admin.api.patch(`/users/${admin.id}`, { email: freshEmail(), first_name: "X" }),
    admin.api.patch(`/users/${rep.id}`, { email: freshEmail(), first_name: "X" }),
    rep.api.patch(`/users/${rep.id}`, { email: freshEmail(), first_name: "X" }),
    admin.api.patch(`${stack.apiUrl}/functions/v1/users`, {
      sales_id: rep.id,
      email: freshEmail(),
      first_name: "X",
    }),
  ];
  for (const { status, body } of await Promise.all(attempts)) {
    assertEquals([status, body.code], [409, "email_confirmation_required"]);
    assertMatch(body.message, /PUT \/auth\/v1\/user/);
    assertEquals(Object.keys(body.errors), ["email"]);
  }
  for (const { api, id } of [{ api: admin.api, id: rep.id }, rep]) {
    const url = `${stack.apiUrl}/rest/v1/sales?id=eq.${id}`;
    assertGreaterOrEqual((await api.patch(url, { email: freshEmail() }, rest)).status, 400);
  }
  const rows = await sql`
    select sales.email = users.email as same, sales.first_name
    from public.sales join auth.users on users.id = sales.user_id
    where sales.id in (${admin.id}, ${rep.id}) order by sales.id`;
  assertEquals(rows.map(({ same }) => same), [true, true]);
  assertEquals(rows.some(({ first_name }) => first_name === "X"), false);
  const unchanged = await admin.api.patch(`/users/${rep.id}`, {
    email: rep.email.toUpperCase(),
    first_name: "Rae",
  });
  assertEquals([unchanged.status, unchanged.body.first_name], [200, "Rae"]);
});

test("auth.updateUser changes the own address after both mailboxes have confirmed it", async () => {
  const { addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const email = freshEmail();
  const headers = { apikey: stack.publishableKey, Authorization: `Bearer ${rep.token}` };
  const body = JSON.stringify({ email });
  const url = `${stack.apiUrl}/auth/v1/user`;
  const asked = await fetch(url, { method: "PUT", headers, body });
  assertEquals([asked.status, (await asked.json()).new_email], [200, email]);
  assertMatch(await followLink((await mailsTo(email))[0]?.link), /^message=/);
  assertEquals((await rep.api.get("/me")).body.email, rep.email);
  assertMatch(await followLink((await mailsTo(rep.email))[0]?.link), /access_token/);
  assertEquals((await rep.api.get("/me")).body.email, email);
  assertEquals((await signIn(email)).id, rep.id);
});

test("users.update moves an invitation to another address, and the old link is dead", async () => {
  const { admin } = await createWorkspace();
  const input = { email: freshEmail(), first_name: "Ina", last_name: "Vited" };
  const { body: invited } = await admin.api.post("/users", input);
  const email = freshEmail();
  const moved = await admin.api.patch(`/users/${invited.id}`, {
    email: email.toUpperCase(),
    last_name: "Moved",
  });
  assertEquals(moved.status, 200, JSON.stringify(moved.body));
  const { id, status, last_name } = moved.body;
  assertEquals([id, moved.body.email, status, last_name], [invited.id, email, "invited", "Moved"]);
  assertMatch(await followLink((await mailsTo(input.email))[0]?.link), /otp_expired/);
  const mails = await mailsTo(email);
  assertEquals(mails.map(({ subject }) => subject), ["You have been invited"]);
  const again = await admin.api.post("/users", input);
  assertEquals(again.status, 201);
  assertNotEquals(again.body.id, invited.id);
  assertMatch(await followLink(mails[0]?.link), /access_token/);
  const joined = await admin.api.get(`/users/${invited.id}`);
  assertEquals([joined.body.status, joined.body.email], ["active", email]);
});

test("users.update kills the old link also when the new mail is refused, and can be repeated", async () => {
  const { admin } = await createWorkspace();
  const input = { email: freshEmail(), first_name: "Ina", last_name: "Vited" };
  const { body: invited } = await admin.api.post("/users", input);
  const email = freshEmail();
  await refuseMail(email);
  const refused = await admin.api.patch(`/users/${invited.id}`, { email });
  assertEquals([refused.status, refused.body.code], [502, "mail_failed"]);
  assertEquals(await mailsTo(email), []);
  assertMatch(await followLink((await mailsTo(input.email))[0]?.link), /otp_expired/);
  const repeated = await admin.api.patch(`/users/${invited.id}`, { email });
  assertEquals([repeated.status, repeated.body.email], [200, email]);
  assertMatch(await followLink((await mailsTo(email))[0]?.link), /access_token/);
});

test("users.update answers 409 to a taken address of an invited user, and changes nothing", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const colleague = await addMember("rep");
  const input = { email: freshEmail(), first_name: "Ina", last_name: "Vited" };
  const { body: invited } = await admin.api.post("/users", input);
  const taken = { email_taken: colleague.email, address_unavailable: other.admin.email };
  for (const [code, email] of Object.entries(taken)) {
    const { status, body } = await admin.api.patch(`/users/${invited.id}`, {
      email,
      first_name: "X",
    });
    assertEquals([status, body.code, Object.keys(body.errors)], [409, code, ["email"]]);
  }
  assertEquals((await admin.api.get(`/users/${invited.id}`)).body, invited);
  assertMatch(await followLink((await mailsTo(input.email))[0]?.link), /access_token/);
});

test("users.update keeps the last active admin", async () => {
  const { admin, addMember } = await createWorkspace();
  await addMember("manager");
  for (
    const change of [{ role: "rep" }, { disabled: true }, { role: "rep", email: freshEmail() }]
  ) {
    const { status, body } = await admin.api.patch(`/users/${admin.id}`, change);
    assertEquals([status, body.code], [409, "last_admin"]);
  }
  assertEquals(await isBanned(admin.user_id), false);
  assertEquals((await admin.api.get("/me")).body.email, admin.email);
});

test("users.update keeps one admin when two demote each other at the same time", async () => {
  const { admin, addMember } = await createWorkspace();
  const second = await addMember("admin");
  const answers = await Promise.all([
    admin.api.patch(`/users/${second.id}`, { role: "rep" }),
    second.api.patch(`/users/${admin.id}`, { role: "rep" }),
  ]);
  const refused = answers.filter(({ status }) => status !== 200);
  assertEquals(refused.length, 1);
  // The second request would demote the last admin, or its caller is no admin any more.
  assert(["last_admin", "admin_required"].includes(refused[0]?.body.code));
  const admins = await sql`
    select from public.sales where id in (${admin.id}, ${second.id}) and role = 'admin'`;
  assertEquals(admins.length, 1);
});

test("users.update answers 409 to exactly one of two admins who step down at the same time", async () => {
  const { admin, addMember } = await createWorkspace();
  const second = await addMember("admin");
  const answers = await Promise.all([
    admin.api.patch(`/users/${admin.id}`, { role: "rep" }),
    second.api.patch(`/users/${second.id}`, { role: "rep" }),
  ]);
  assertEquals(answers.map(({ status }) => status).sort(), [200, 409]);
  assertEquals(answers.find(({ status }) => status === 409)?.body.code, "last_admin");
});

test("users.update, offboard and restore are refused to an admin who is demoted meanwhile", async () => {
  const { admin, addMember } = await createWorkspace();
  const second = await addMember("admin");
  const [rep, disabled] = await Promise.all([addMember("rep"), addMember("rep")]);
  await admin.api.patch(`/users/${disabled.id}`, { disabled: true });
  const before = (await admin.api.get("/users")).body.data;
  const requests = [
    [rep.id, () => second.api.patch(`/users/${rep.id}`, { role: "manager" })],
    [rep.id, () => second.api.delete(`/users/${rep.id}`)],
    [disabled.id, () => second.api.post(`/users/${disabled.id}/restore`)],
  ] as const;
  for (const [id, request] of requests) {
    const answer = await sql.begin(async (tx) => {
      await tx`select from public.sales where id = ${id} for update`;
      const answering = request();
      while ((await waitingFor(tx)).length === 0);
      await tx`update public.sales set role = 'rep' where id = ${second.id}`;
      return { answering };
    });
    const { status, body } = await answer.answering;
    assertEquals([status, body.code], [403, "admin_required"]);
    await sql`update public.sales set role = 'admin' where id = ${second.id}`;
  }
  const after = (await admin.api.get("/users")).body.data;
  const roles = (users: typeof before) =>
    users.map((user: typeof before) => [user.id, user.role, user.status]);
  assertEquals(roles(after), roles(before));
});

/** Connections that wait for a lock of this transaction. */
function waitingFor(tx: TransactionSql) {
  return tx`
    select pid from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))`;
}
