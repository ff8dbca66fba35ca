/** users.invite: the mail, interrupted and parallel requests, and permissions. */
import { assertEquals, assertGreaterOrEqual, assertMatch, assertNotEquals } from "@std/assert";
import { present } from "../../support/exactly.ts";
import {
  auth,
  createWorkspace,
  followLink,
  freshEmail,
  mailsTo,
  PASSWORD,
  refuseMail,
  sql,
  stack,
  test,
} from "../../support/workspace.ts";

function grace(email = freshEmail()) {
  return { email, first_name: "Grace", last_name: "Hopper" };
}

/** The numbers of members, auth users and open invitations of an address. */
async function traces(email: string): Promise<number[]> {
  const [row] = await sql<{ members: number; users: number; invitations: number }[]>`
    select
      (select count(*)::int from public.sales where email = ${email}) as members,
      (select count(*)::int from auth.users where email = ${email}) as users,
      (select count(*)::int from public.invitations
        where email = ${email} and accepted_at is null and withdrawn_at is null) as invitations`;
  return Object.values(row ?? {});
}

test("users.invite makes an invited rep and mails a link", async () => {
  const { id, admin } = await createWorkspace();
  const input = grace();
  const answer = await admin.api.post("/users", {
    ...input,
    email: ` ${input.email.toUpperCase()}`,
  });
  assertEquals(answer.status, 201);
  assertEquals(answer.headers.get("Location"), `users/${answer.body.id}`);
  const { email, role, administrator, disabled, status, first_name } = answer.body;
  assertEquals(
    { email, role, administrator, disabled, status, first_name },
    {
      email: input.email,
      role: "rep",
      administrator: false,
      disabled: false,
      status: "invited",
      first_name: "Grace",
    },
  );
  const [member] = await sql`select workspace_id from public.sales where id = ${answer.body.id}`;
  assertEquals(member?.workspace_id, id);
  assertEquals((await mailsTo(input.email)).length, 1);
  assertEquals((await admin.api.get(`/users/${answer.body.id}`)).body, answer.body);
});

test("users.invite makes the invited user a member of the workspace when they follow the link", async () => {
  const { admin } = await createWorkspace();
  const input = { ...grace(), role: "manager" };
  const { body } = await admin.api.post("/users", input);
  const [mail] = await mailsTo(input.email);
  const fragment = await followLink(mail?.link);
  const token = present(new URLSearchParams(fragment).get("access_token"), "access token");
  const me = await fetch(`${stack.functionUrl}/me`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const profile = await me.json();
  assertEquals([profile.id, profile.role, profile.status], [body.id, "manager", "active"]);
});

test("users.invite answers 502 when the mail is refused, leaves nothing, and succeeds when repeated", async () => {
  const { admin } = await createWorkspace();
  const input = grace();
  await refuseMail(input.email);
  const refused = await admin.api.post("/users", input);
  assertEquals([refused.status, refused.body.code], [502, "mail_failed"]);
  assertEquals(await traces(input.email), [0, 0, 0]);
  const repeated = await admin.api.post("/users", input);
  assertEquals(repeated.status, 201);
  assertEquals(await traces(input.email), [1, 1, 1]);
  assertEquals((await mailsTo(input.email)).length, 1);
});

test("users.invite frees the Idempotency-Key of a failure and replays a success", async () => {
  const { admin } = await createWorkspace();
  const input = grace();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  await refuseMail(input.email);
  assertEquals((await admin.api.post("/users", input, headers)).status, 502);
  const first = await admin.api.post("/users", input, headers);
  assertEquals(first.status, 201);
  const replay = await admin.api.post("/users", input, headers);
  assertEquals([replay.status, replay.body], [201, first.body]);
  assertEquals((await mailsTo(input.email)).length, 1);
});

test("users.invite continues an earlier request that stopped before the auth user", async () => {
  const { id, admin } = await createWorkspace();
  const input = grace();
  await sql`
    insert into public.invitations (workspace_id, email, role) values (${id}, ${input.email}, 'admin')`;
  const { status, body } = await admin.api.post("/users", input);
  assertEquals([status, body.role], [201, "rep"]);
  assertEquals(await traces(input.email), [1, 1, 1]);
});

test("users.invite continues an earlier request that stopped before the mail", async () => {
  const { id, admin } = await createWorkspace();
  const input = grace();
  const user_id = crypto.randomUUID();
  await sql`
    insert into public.invitations (id, workspace_id, email, role)
    values (${user_id}, ${id}, ${input.email}, 'admin')`;
  await auth("/admin/users", { id: user_id, email: input.email, email_confirm: true });
  const { status, body } = await admin.api.post("/users", input);
  assertEquals([status, body.role, body.user_id], [201, "rep", user_id]);
  assertEquals(body.last_name, "Hopper");
  assertEquals(await traces(input.email), [1, 1, 1]);
});

test("users.invite answers 409 while another request works on the same address", async () => {
  const { id, admin } = await createWorkspace();
  const input = grace();
  await sql`
    insert into public.invitations (workspace_id, email, claimed_until)
    values (${id}, ${input.email}, now() + interval '1 minute')`;
  const { status, body } = await admin.api.post("/users", input);
  assertEquals([status, body.code], [409, "request_in_flight"]);
});

test("users.invite makes one member and one auth user of parallel requests", async () => {
  const { admin } = await createWorkspace();
  const input = grace();
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => admin.api.post("/users", input)),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assertEquals(statuses, [201, 409, 409, 409]);
  assertEquals(await traces(input.email), [1, 1, 1]);
  assertEquals((await mailsTo(input.email)).length, 1);
});

test("users.invite answers 409 member_exists and names the operation to use", async () => {
  const { admin, addMember } = await createWorkspace();
  const member = await addMember("rep");
  const active = await admin.api.post("/users", grace(member.email));
  assertEquals([active.status, active.body.code], [409, "member_exists"]);
  assertEquals(active.body.member, { id: member.id, status: "active" });
  const input = grace();
  const { body: invited } = await admin.api.post("/users", input);
  const again = await admin.api.post("/users", input);
  assertEquals([again.status, again.body.code], [409, "member_exists"]);
  assertMatch(again.body.detail, new RegExp(`/users/${invited.id}/resend_invite`));
  await admin.api.patch(`/users/${member.id}`, { disabled: true });
  const disabled = await admin.api.post("/users", grace(member.email));
  assertMatch(disabled.body.detail, /restore/);
});

test("users.invite answers 409 address_unavailable to an address with an account, and says no more", async () => {
  const [here, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { status, body } = await here.admin.api.post("/users", grace(elsewhere.admin.email));
  assertEquals([status, body.code], [409, "address_unavailable"]);
  assertEquals(/workspace|exists|account/i.test(JSON.stringify(body)), false);
  assertEquals(await traces(elsewhere.admin.email), [1, 1, 0]);
  assertEquals((await elsewhere.admin.api.get("/me")).status, 200);
});

test("users.invite creates a new auth user when the old one was deleted", async () => {
  const { admin } = await createWorkspace();
  const input = grace();
  const { body } = await admin.api.post("/users", input);
  await sql`delete from auth.users where id = ${body.user_id}`;
  const again = await admin.api.post("/users", input);
  assertEquals(again.status, 201);
  assertNotEquals(again.body.user_id, body.user_id);
  assertEquals(await traces(input.email), [1, 1, 1]);
});

test("users.invite with disabled makes a banned member and sends no mail", async () => {
  const { admin } = await createWorkspace();
  const input = { ...grace(), disabled: true };
  const { status, body } = await admin.api.post("/users", input);
  assertEquals([status, body.status], [201, "disabled"]);
  assertEquals(await mailsTo(input.email), []);
  const [user] =
    await sql`select banned_until > now() as banned from auth.users where id = ${body.user_id}`;
  assertEquals(user?.banned, true);
  assertEquals(
    (await admin.api.post(`/users/${body.id}/resend_invite`)).body.code,
    "user_disabled",
  );
  await admin.api.patch(`/users/${body.id}`, { disabled: false });
  assertEquals((await admin.api.post(`/users/${body.id}/resend_invite`)).status, 202);
  assertEquals((await mailsTo(input.email)).length, 1);
});

test("users.invite is only for admins, and changes nothing for others", async () => {
  const { addMember } = await createWorkspace();
  for (const role of ["manager", "rep"] as const) {
    const member = await addMember(role);
    const input = grace();
    const { status, body } = await member.api.post("/users", input);
    assertEquals([status, body.code], [403, "admin_required"]);
    assertEquals(await traces(input.email), [0, 0, 0]);
  }
});

test("users.invite names the fields that are not valid", async () => {
  const { admin } = await createWorkspace();
  const { status, body } = await admin.api.post("/users", {
    email: "nobody",
    first_name: " ",
    role: "owner",
    workspace_id: crypto.randomUUID(),
  });
  assertEquals([status, body.code], [422, "validation_failed"]);
  assertEquals(
    Object.keys(body.errors).sort(),
    ["email", "first_name", "last_name", "role", "workspace_id"],
  );
});

test("auth sign-up with an invited address opens no session and leaves the invitation as it is", async () => {
  const { admin } = await createWorkspace();
  const input = { ...grace(), role: "admin" };
  const { body: invited } = await admin.api.post("/users", input);
  const signUp = { email: input.email, password: PASSWORD };
  const { status, body } = await auth("/signup", signUp, true);
  assertEquals([status, body.error_code, body.access_token], [
    422,
    "user_already_exists",
    undefined,
  ]);
  const credentials = await auth("/token?grant_type=password", signUp, true);
  assertEquals(credentials.status, 400);
  assertEquals((await admin.api.get(`/users/${invited.id}`)).body, invited);
  assertEquals(await traces(input.email), [1, 1, 1]);
  const [mail, ...others] = await mailsTo(input.email);
  assertEquals(others, []);
  assertMatch(await followLink(mail?.link), /access_token/);
  assertEquals((await admin.api.get(`/users/${invited.id}`)).body.status, "active");
});

test("users.invite mails an invitation, and users.reset_password another text after the user has joined", async () => {
  const { admin } = await createWorkspace();
  const input = grace();
  const { body: invited } = await admin.api.post("/users", input);
  await admin.api.post(`/users/${invited.id}/resend_invite`);
  const [second, first] = await mailsTo(input.email);
  assertEquals([first?.subject, second?.subject], [
    "You have been invited",
    "You have been invited",
  ]);
  assertMatch(await followLink(first?.link), /otp_expired/);
  assertMatch(await followLink(second?.link), /access_token/);
  await admin.api.post(`/users/${invited.id}/password_reset`);
  const [reset] = await mailsTo(input.email);
  assertEquals(reset?.subject, "Set a new password");
});

test("auth sign-up with the data of an invitation does not join its workspace", async () => {
  const { id, admin } = await createWorkspace();
  const email = freshEmail();
  await auth("/signup", {
    email,
    password: PASSWORD,
    data: { workspace_id: id, role: "admin", invitation_id: admin.user_id },
  });
  const [member] = await sql`select workspace_id from public.sales where email = ${email}`;
  assertNotEquals(member?.workspace_id, id);
});

test("users.invite does not use an invitation with the id of another user", async () => {
  const [here, elsewhere] = await Promise.all([createWorkspace(), createWorkspace()]);
  const victim = elsewhere.admin;
  for (const email of [freshEmail(), victim.email]) {
    const written = await here.admin.api.post(
      `${stack.apiUrl}/rest/v1/invitations`,
      { id: victim.user_id, email },
      { apikey: stack.publishableKey },
    );
    assertEquals(written.status, 422);
    await refuseMail(email);
    assertGreaterOrEqual((await here.admin.api.post("/users", grace(email))).status, 400);
  }
  assertEquals(await traces(victim.email), [1, 1, 0]);
  assertEquals((await victim.api.get("/me")).status, 200);
});
