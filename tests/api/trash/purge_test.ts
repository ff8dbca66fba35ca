/** The trash over HTTP: list, restore, delete for good. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { create } from "../../support/records.ts";
import { createWorkspace, sql, test, type TestMember } from "../../support/workspace.ts";

/** A company with two contacts, a deal, a note and a task. */
async function createFamily({ api }: TestMember) {
  const company_id = await create(api, "/companies", { name: "Analytical" });
  const contact_id = await create(api, "/contacts", { first_name: "Ada", company_id });
  const other_id = await create(api, "/contacts", { first_name: "Grace", company_id });
  const ids = [contact_id, other_id];
  await create(api, "/tasks", { contact_id, text: "Call" });
  await create(api, "/contact_notes", { contact_id, text: "Met" });
  const deal = { name: "Deal", stage: "opportunity", company_id, contact_ids: ids };
  await create(api, "/deals", deal);
  return { company_id, contact_id, ids };
}

test("trash.list shows what was deleted itself, with the numbers of what went along", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  const { company_id } = await createFamily(admin);
  const { body: tag } = await admin.api.post("/tags", { name: "Hot", color: "#eeeeee" });
  await admin.api.delete(`/tags/${tag.id}`);
  await admin.api.delete(`/companies/${company_id}`);
  const { status, body } = await rep.api.get("/trash?include=member");
  assertEquals(status, 200);
  assertEquals(body.next_cursor, null);
  const [company, deleted] = body.data;
  assertEquals(body.data.length, 2);
  assertEquals([company.table_name, company.record_id], ["companies", company_id]);
  assertEquals([company.label, deleted.label], ["Analytical", "Hot"]);
  assertEquals(company.taken_along, { contact_notes: 1, contacts: 2, deals: 1, tasks: 1 });
  assertEquals(deleted.taken_along, {});
  assertEquals([company.reason, company.deleted_by], ["deleted", admin.id]);
  assertEquals(company.member.id, admin.id);
  assertEquals((await rep.api.get(`/trash/${company.id}`)).body.label, "Analytical");
});

test("trash.list shows a record that was deleted before its parent by itself", async () => {
  const { admin } = await createWorkspace();
  const { company_id, contact_id } = await createFamily(admin);
  await admin.api.delete(`/contacts/${contact_id}`);
  await admin.api.delete(`/companies/${company_id}`);
  const { body } = await admin.api.get("/trash");
  assertEquals(
    body.data.map((item: { table_name: string; taken_along: unknown }) => [
      item.table_name,
      item.taken_along,
    ]),
    [
      ["companies", { contacts: 1, deals: 1 }],
      ["contacts", { contact_notes: 1, tasks: 1 }],
    ],
  );
});

test("trash.list filters and pages, and refuses a cursor of another filter", async () => {
  const { admin, id } = await createWorkspace();
  await sql`
    insert into public.tags (name, color, workspace_id)
    select 'Tag ' || number, '#eeeeee', ${id} from generate_series(1, 7) as number`;
  await sql`delete from public.tags where workspace_id = ${id}`;
  const { company_id } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const first = await admin.api.get("/trash?table_name=tags&limit=4");
  const second = await admin.api.get(
    `/trash?table_name=tags&limit=4&cursor=${first.body.next_cursor}`,
  );
  assertEquals([first.body.data.length, second.body.data.length], [4, 3]);
  assertEquals(second.body.next_cursor, null);
  const ids = [...first.body.data, ...second.body.data].map((item) => item.record_id);
  assertEquals(new Set(ids).size, 7);
  const foreign = await admin.api.get(`/trash?limit=4&cursor=${first.body.next_cursor}`);
  assertProblem(foreign, 400, "invalid_cursor");
  const mine = await admin.api.get(`/trash?deleted_by=${admin.id}`);
  assertEquals(mine.body.data.length, 1);
  assertEquals((await admin.api.get("/trash?reason=merged")).body.data, []);
  assertProblem(await admin.api.get("/trash?table_name=sales"), 400, "invalid_parameter");
  assertProblem(await admin.api.get("/trash?limit=0"), 400, "invalid_parameter");
});

test("trash.restore puts a record back with what went along, and its history says so", async () => {
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

test("trash.restore is refused to others than the owner, managers and admins", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, manager] = await Promise.all([addMember("rep"), addMember("manager")]);
  const { company_id } = await createFamily(admin);
  await admin.api.delete(`/companies/${company_id}`);
  const { body: { data: [item] } } = await rep.api.get("/trash");
  const path = `/trash/${item.id}/restore`;
  assertProblem(await rep.api.post(path), 403, "restore_not_allowed");
  assertEquals((await manager.api.post(path)).status, 200);
});

test("trash.purge deletes for good with all values, and repeating it succeeds", async () => {
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

test("trash.purge leaves the values of a record that lives, and of other workspaces", async () => {
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

test("trash.empty deletes all of the workspace's trash for good, for admins", async () => {
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
