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
