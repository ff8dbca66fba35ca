/** trash.purge and trash.empty: deleting for good. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { createFamily } from "./family.ts";

test("trash.purge deletes a record and its logged values for good, and can be repeated", async () => {
  const { admin, addMember, id } = await createWorkspace();
  const manager = await addMember("manager");
  const { company_id, ids } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const { body: { data: [item] } } = await admin.api.get("/trash");
  assertProblem(await manager.api.delete(`/trash/${item.id}`), 403, "admin_required");
  assertEquals((await admin.api.delete(`/trash/${item.id}`)).status, 204);
  assertEquals((await admin.api.delete(`/trash/${item.id}`)).status, 204);
  assertEquals((await sql`select from private.trash where workspace_id = ${id}`).length, 0);
  const { body } = await admin.api.get(`/contacts/${ids[0]}/history`);
  const told = body.data.map(({ action, changes }: { action: string; changes: unknown }) => [
    action,
    Object.keys(changes ?? {}),
  ]);
  assertEquals(told[0], ["purged", ["trash_id"]]);
  assertEquals(told.at(-1), ["created", []]);
  assertEquals(told.slice(1).every(([, fields]: [string, string[]]) => fields.length === 0), true);
  assertProblem(await admin.api.get(`/contacts/${ids[0]}`), 404, "not_found");
});

test("trash.purge keeps the values of records that are not in the trash, and of other workspaces", async () => {
  const [{ admin }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { body: company } = await admin.api.post("/companies", { name: "Analytical" });
  await other.admin.api.post("/companies", { name: "Difference" });
  const { body: tag } = await admin.api.post("/tags", { name: "Hot", color: "#eeeeee" });
  await admin.api.delete(`/tags/${tag.id}`);
  const { body: { data: [item] } } = await admin.api.get("/trash");
  assertProblem(await other.admin.api.delete(`/trash/${item.id}`), 404, "not_found");
  assertEquals((await admin.api.delete(`/trash/${item.id}`)).status, 204);
  const { body } = await admin.api.get(`/companies/${company.id}/history`);
  assertEquals(body.data[0].changes.name.after, "Analytical");
});

test("trash.empty deletes all of the workspace's trash for good, only for admins", async () => {
  const [{ admin, addMember, id }, other] = await Promise.all([
    createWorkspace(),
    createWorkspace(),
  ]);
  const rep = await addMember("rep");
  for (const member of [admin, other.admin]) {
    const { company_id } = await createFamily(member);
    await member.api.delete(`/companies/${company_id}`);
  }
  assertProblem(await rep.api.delete("/trash"), 403, "admin_required");
  const { status, body } = await admin.api.delete("/trash");
  assertEquals([status, body.complete], [200, true]);
  assertEquals(body.purged, { companies: 1, contact_notes: 1, contacts: 2, deals: 1, tasks: 1 });
  assertEquals((await sql`select from private.trash where workspace_id = ${id}`).length, 0);
  assertEquals((await other.admin.api.get("/trash")).body.data.length, 1);
  assertEquals((await admin.api.delete("/trash")).body, { purged: {}, complete: true });
});
