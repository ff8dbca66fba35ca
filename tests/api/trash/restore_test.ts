/** trash.restore: permissions, and the restored records. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { createFamily } from "./family.ts";

test("trash.restore restores a record with its children, and its history shows it", async () => {
  const { admin } = await createWorkspace();
  const { company_id, ids } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const { body: { data: [item] } } = await admin.api.get("/trash");
  const { status, body } = await admin.api.post(`/trash/${item.id}/restore`);
  assertEquals([status, body.table_name, body.record_id], [200, "companies", company_id]);
  assertEquals(body.restored, {
    companies: 1,
    contact_notes: 1,
    contacts: 2,
    deals: 1,
    tasks: 1,
  });
  assertEquals((await admin.api.get("/trash")).body.data, []);
  assertEquals((await admin.api.get(`/contacts/${ids[0]}`)).status, 200);
  const history = await admin.api.get(`/contacts/${ids[0]}/history`);
  assertEquals(history.body.data[0].action, "restored");
  assertProblem(await admin.api.post(`/trash/${item.id}/restore`), 404, "not_found");
});

test("trash.restore is only for the owner, managers and admins", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, manager] = await Promise.all([addMember("rep"), addMember("manager")]);
  const { company_id } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const { body: { data: [item] } } = await rep.api.get("/trash");
  const path = `/trash/${item.id}/restore`;
  assertProblem(await rep.api.post(path), 403, "restore_not_allowed");
  assertEquals((await manager.api.post(path)).status, 200);
});
