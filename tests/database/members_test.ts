/** Rules of the database for joining, profiles and access of members. */
import { assertEquals, assertNotEquals } from "@std/assert";
import {
  asCaller,
  foundWorkspace,
  refusalOf,
  type Row,
  service,
  sql,
} from "../support/database.ts";
import { auth, freshEmail, PASSWORD, signIn, test } from "../support/workspace.ts";

test("members: a sign-up founds a workspace with its configuration, as admin", async () => {
  const member = await signUp({ first_name: "Ada", last_name: "Lovelace" });
  assertEquals([member.first_name, member.last_name], ["Ada", "Lovelace"]);
  assertEquals([member.role, member.administrator, member.disabled], ["admin", true, false]);
  const [found] = await sql`
    select w.name, c.id, c.config, (select count(*) from public.sales where workspace_id = w.id)
    from public.workspaces w join public.configuration c on c.workspace_id = w.id
    where w.id = ${member.workspace_id}`;
  assertEquals({ ...found }, { name: "Ada's workspace", id: 1, config: {}, count: 1 });
});

test("members: names come from the identity provider, or else are pending", async () => {
  const google = await signUp({ name: "Grace Brewster Hopper" });
  assertEquals([google.first_name, google.last_name], ["Grace", "Brewster Hopper"]);
  const blank = await signUp({ first_name: "  ", full_name: "Plato" });
  assertEquals([blank.first_name, blank.last_name], ["Plato", "Pending"]);
  const silent = await signUp({});
  assertEquals([silent.first_name, silent.last_name], ["Pending", "Pending"]);
});

test("members: user metadata sets neither role nor workspace nor access", async () => {
  const { workspace_id } = await foundWorkspace();
  const metadata = { workspace_id, role: "rep", administrator: false, disabled: true, id: 1 };
  const member = await signUp(metadata);
  assertNotEquals(member.workspace_id, workspace_id);
  assertEquals([member.role, member.disabled], ["admin", false]);
});

test("members: a user with the id and e-mail of an invitation joins its workspace with its role", async () => {
  const { workspace_id, admin } = await foundWorkspace();
  const [id, email] = [crypto.randomUUID(), freshEmail()];
  await sql`
    insert into public.invitations (id, workspace_id, email, first_name, role, invited_by)
    values (${id}, ${workspace_id}, ${email.toUpperCase()}, 'Max', 'manager', ${admin.id})`;
  await auth("/admin/users", { id, email, password: PASSWORD, email_confirm: true });
  const member = await memberOf(id);
  assertEquals(
    [member.workspace_id, member.role, member.administrator, member.first_name],
    [workspace_id, "manager", false, "Max"],
  );
  assertEquals(await acceptedAt(id), null);
  await signIn(email);
  assertNotEquals(await acceptedAt(id), null, "the first sign-in accepts the invitation");
});

test("members: an invitation for another e-mail address is not used", async () => {
  const { workspace_id } = await foundWorkspace();
  const id = crypto.randomUUID();
  await sql`
    insert into public.invitations (id, workspace_id, email, role)
    values (${id}, ${workspace_id}, ${freshEmail()}, 'admin')`;
  await auth("/admin/users", { id, email: freshEmail(), password: PASSWORD });
  assertNotEquals((await memberOf(id)).workspace_id, workspace_id);
});

test("members: an invited user whose address is not confirmed is refused, as a sign-up could take it over", async () => {
  const { workspace_id } = await foundWorkspace();
  const [id, email] = [crypto.randomUUID(), freshEmail()];
  await sql`
    insert into public.invitations (id, workspace_id, email) values (${id}, ${workspace_id}, ${email})`;
  const refused = await auth("/admin/users", { id, email, password: PASSWORD }, true);
  assertEquals(refused.status, 500);
  assertEquals((await sql`select from auth.users where id = ${id}`).length, 0);
  await auth("/admin/users", { id, email, email_confirm: true });
  assertEquals((await memberOf(id)).workspace_id, workspace_id);
});

test("members: the first sign-in is refused while the invitation has another address", async () => {
  const { workspace_id } = await foundWorkspace();
  const [id, email, moved] = [crypto.randomUUID(), freshEmail(), freshEmail()];
  await sql`
    insert into public.invitations (id, workspace_id, email) values (${id}, ${workspace_id}, ${email})`;
  await auth("/admin/users", { id, email, password: PASSWORD, email_confirm: true });
  await sql`update public.invitations set email = ${moved} where id = ${id}`;
  const signingIn = sql`update auth.users set last_sign_in_at = now() where id = ${id}`;
  assertEquals(await refusalOf(signingIn), {
    code: "PT409",
    detail: "email_confirmation_required",
  });
  await sql`update auth.users set email = ${moved} where id = ${id}`;
  await signIn(moved);
  assertNotEquals(await acceptedAt(id), null);
});

test("members: the first sign-in removes the mark of an invitation and keeps other metadata", async () => {
  const id = crypto.randomUUID();
  await sql`
    insert into auth.users (id, email, raw_user_meta_data)
    values (${id}, ${freshEmail()}, '{"invited": true, "city": "Graz"}')`;
  await sql`update auth.users set last_sign_in_at = now() where id = ${id}`;
  const [user] = await sql`select raw_user_meta_data from auth.users where id = ${id}`;
  assertEquals(user?.raw_user_meta_data, { city: "Graz" });
});

test("members: two sign-ups at the same time found two workspaces", async () => {
  const [one, two] = await Promise.all([signUp({}), signUp({})]);
  assertNotEquals(one.workspace_id, two.workspace_id);
  assertEquals([one.role, two.role], ["admin", "admin"]);
});

test("members: an auth user without an e-mail becomes a member with the first e-mail", async () => {
  const id = crypto.randomUUID();
  await sql`insert into auth.users (id) values (${id})`;
  assertEquals((await sql`select from public.sales where user_id = ${id}`).length, 0);
  const email = freshEmail();
  await sql`update auth.users set email = ${email} where id = ${id}`;
  assertEquals((await memberOf(id)).email, email);
});

test("members: signing in never rewrites names", async () => {
  const member = await signUp({ first_name: "Ada", last_name: "Byron" });
  await sql`update public.sales set last_name = 'Lovelace' where id = ${member.id}`;
  await signIn(member.email);
  await sql`
    update auth.users set raw_user_meta_data = '{"last_name": "Other"}' where id = ${member.user_id}`;
  await signIn(member.email);
  assertEquals((await memberOf(member.user_id)).last_name, "Lovelace");
});

test("members: a changed sign-in address reaches the member", async () => {
  const { admin } = await foundWorkspace();
  const email = freshEmail();
  await sql`update auth.users set email = ${email} where id = ${admin.user_id}`;
  assertEquals((await memberOf(admin.user_id)).email, email);
});

test("members: nobody writes an address that is not the auth user's", async () => {
  const { admin, join } = await foundWorkspace();
  const rep = await join("rep");
  const refused = { code: "PT409", detail: "email_confirmation_required" };
  const write = (caller: typeof admin | typeof service, member: typeof admin, email: string) =>
    asCaller(caller, (tx) => tx`update public.sales set email = ${email} where id = ${member.id}`);
  for (const caller of [admin, rep, service]) {
    assertEquals(await refusalOf(write(caller, rep, freshEmail())), refused);
  }
  assertEquals(await refusalOf(write(admin, admin, freshEmail())), refused);
  assertEquals((await write(admin, rep, rep.email)).count, 1);
});

test("members: role and administrator stay consistent, whichever is written", async () => {
  const { admin, join } = await foundWorkspace();
  const rep = await join("rep");
  const write = async (values: Row) => {
    await asCaller(
      admin,
      (tx) => tx`update public.sales set ${tx(values)} where id = ${rep.id}`,
    );
    const { role, administrator } = await memberOf(rep.user_id);
    return [role, administrator];
  };
  assertEquals(await write({ administrator: true }), ["admin", true]);
  assertEquals(await write({ administrator: false }), ["rep", false]);
  assertEquals(await write({ role: "manager" }), ["manager", false]);
  assertEquals(await write({ administrator: false }), ["manager", false]);
  assertEquals(await write({ role: "admin" }), ["admin", true]);
  assertEquals(await write({ role: "manager", administrator: true }), ["manager", false]);
});

test("members: members may change their own names, and not their own access", async () => {
  const { join } = await foundWorkspace();
  for (const role of ["rep", "manager"] as const) {
    const member = await join(role);
    const write = (values: Row) =>
      asCaller(member, (tx) => tx`update public.sales set ${tx(values)} where id = ${member.id}`);
    assertEquals((await write({ first_name: "Me" })).count, 1);
    for (
      const values of [
        { role: "admin" },
        { administrator: true },
        { disabled: true },
      ]
    ) {
      assertEquals(await refusalOf(write(values)), {
        code: "PT409",
        detail: "member_change_not_allowed",
      });
    }
  }
});

test("members: a member's id, user and workspace cannot be changed", async () => {
  const [{ admin }, other] = await Promise.all([foundWorkspace(), foundWorkspace()]);
  const changes = [
    { id: admin.id + 1_000_000 },
    { user_id: crypto.randomUUID() },
    { workspace_id: other.workspace_id },
  ];
  for (const values of changes) {
    for (const caller of [admin, service]) {
      const change = asCaller(
        caller,
        (tx) => tx`update public.sales set ${tx(values)} where id = ${admin.id}`,
      );
      assertEquals(await refusalOf(change), { code: "PT422", detail: "member_identity_fixed" });
    }
  }
});

test("members: a disabled member has no access at once, and has access again when enabled", async () => {
  const { admin, join } = await foundWorkspace();
  const rep = await join("rep");
  const visible = async () => (await asCaller(rep, (tx) => tx`select from public.sales`)).length;
  const setDisabled = (disabled: boolean) =>
    asCaller(admin, (tx) => tx`update public.sales set ${tx({ disabled })} where id = ${rep.id}`);
  assertEquals(await visible(), 2);
  await setDisabled(true);
  assertEquals(await visible(), 0);
  await setDisabled(false);
  assertEquals(await visible(), 2);
});

test("members: private.workspace_id and the other helpers return null for a disabled member", async () => {
  const { join } = await foundWorkspace();
  const disabled = await join("admin", true);
  const [row] = await asCaller(
    disabled,
    (tx) =>
      tx`
        select private.workspace_id(), private.member_id(), private.member_role(),
          private.is_admin(), private.can_manage()`,
  );
  assertEquals({ ...row }, {
    workspace_id: null,
    member_id: null,
    member_role: null,
    is_admin: false,
    can_manage: false,
  });
});

async function signUp(data: Row): Promise<Row> {
  const email = freshEmail();
  await auth("/signup", { email, password: PASSWORD, data });
  const [member] = await sql`select * from public.sales where email = ${email}`;
  if (!member) throw new Error(`${email} is no member.`);
  return member;
}

async function memberOf(user_id: string): Promise<Row> {
  const [member] = await sql`select * from public.sales where user_id = ${user_id}`;
  if (!member) throw new Error(`${user_id} is no member.`);
  return member;
}

async function acceptedAt(id: string): Promise<Date | null> {
  const [invitation] = await sql`select accepted_at from public.invitations where id = ${id}`;
  return invitation?.accepted_at ?? null;
}
