/** A workspace keeps an active admin, also when several admins are changed at the same time. */
import { assertEquals } from "@std/assert";
import { only } from "../support/exactly.ts";
import {
  asCaller,
  foundWorkspace,
  type Member,
  openSession,
  refusalOf,
  type Row,
  service,
  type Session,
  sql,
  type Transaction,
} from "../support/database.ts";
import { test } from "../support/workspace.ts";

const LAST_ADMIN = { code: "PT409", detail: "last_admin" };

test("members: the last active admin can be neither demoted nor disabled", async () => {
  const { admin, join } = await foundWorkspace();
  await join("manager");
  await join("admin", true);
  for (const values of [{ role: "rep" }, { administrator: false }, { disabled: true }]) {
    assertEquals(await refusalOf(change(admin, admin, values)), LAST_ADMIN);
  }
  await join("admin");
  assertEquals((await change(admin, admin, { role: "rep" })).count, 1);
});

test("members: an invited admin who has not signed in is no active admin", async () => {
  const { admin, join } = await foundWorkspace();
  const invited = await join("admin");
  await sql`update public.invitations set accepted_at = null where id = ${invited.user_id}`;
  for (const values of [{ role: "rep" }, { administrator: false }, { disabled: true }]) {
    assertEquals(await refusalOf(change(admin, admin, values)), LAST_ADMIN);
  }
  assertEquals((await change(admin, invited, { role: "rep" })).count, 1);
  assertEquals((await change(admin, invited, { role: "admin" })).count, 1);
  await sql`update auth.users set last_sign_in_at = now() where id = ${invited.user_id}`;
  assertEquals((await change(admin, admin, { role: "rep" })).count, 1);
});

test("members: callers can neither accept nor delete the open invitation of a member", async () => {
  const { admin, join, workspace_id } = await foundWorkspace();
  const { user_id: id } = await join("admin");
  await sql`update public.invitations set accepted_at = null where id = ${id}`;
  const refused = { code: "PT422", detail: "member_identity_fixed" };
  const statements = [
    (tx: Transaction) => tx`update public.invitations set accepted_at = now() where id = ${id}`,
    (tx: Transaction) => tx`delete from public.invitations where id = ${id}`,
  ];
  for (const statement of statements) {
    assertEquals(await refusalOf(asCaller(admin, statement)), refused);
  }
  const withdrawn = await asCaller(admin, async (tx) => {
    await tx`insert into public.invitations (email) values (${`a@${workspace_id}.test`})`;
    return await tx`delete from public.invitations where email = ${`a@${workspace_id}.test`}`;
  });
  assertEquals(withdrawn.count, 1);
});

test("members: one statement cannot demote all admins", async () => {
  const { admin, join, workspace_id } = await foundWorkspace();
  await join("admin");
  const demotion = asCaller(
    admin,
    (tx) => tx`update public.sales set role = 'rep' where workspace_id = ${workspace_id}`,
  );
  // Either guard may refuse it: the caller is no admin any more when their own row has changed.
  await refusalOf(demotion);
  assertEquals(await activeAdmins(workspace_id), 2);
});

test("members: two admins who demote each other at the same time leave one admin", async () => {
  const { admin, join, workspace_id } = await foundWorkspace();
  const other = await join("admin");
  await using first = await openSession(admin);
  await using second = await openSession(other);
  await demote(first, other);
  const [refusal] = await Promise.all([
    refusalOf(demote(second, admin)),
    second.isBlocked().then(first.commit),
  ]);
  assertEquals(refusal, LAST_ADMIN);
  assertEquals(await activeAdmins(workspace_id), 1);
});

test("members: two admins who step down at the same time leave one admin", async () => {
  const { admin, join, workspace_id } = await foundWorkspace();
  const other = await join("admin");
  await using first = await openSession(admin);
  await using second = await openSession(other);
  await demote(first, admin);
  const [refusal] = await Promise.all([
    refusalOf(demote(second, other)),
    second.isBlocked().then(first.commit),
  ]);
  assertEquals(refusal, LAST_ADMIN);
  assertEquals(await activeAdmins(workspace_id), 1);
});

test("members: the guard does not apply to the service role", async () => {
  const { admin, workspace_id } = await foundWorkspace();
  assertEquals((await change(service, admin, { disabled: true })).count, 1);
  assertEquals(await activeAdmins(workspace_id), 0);
});

function change(caller: Member | typeof service, member: Member, values: Row) {
  return asCaller(
    caller,
    (tx) => tx`update public.sales set ${tx(values)} where id = ${member.id}`,
  );
}

async function activeAdmins(workspace_id: string): Promise<number> {
  const { count } = only(
    await sql<{ count: number }[]>`
    select count(*) from public.sales
    where workspace_id = ${workspace_id} and role = 'admin' and not disabled`,
  );
  return count;
}

async function demote({ connection }: Session, { id }: Member): Promise<void> {
  await connection`update public.sales set role = 'rep' where id = ${id}`;
}
