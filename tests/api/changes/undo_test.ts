/** POST /changes/{id}/undo: conflicts, rights, and what cannot return. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { only } from "../../support/exactly.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { changeOf } from "./changeOf.ts";

test("changes.undo refuses a field that changed since, and lists its three values", async () => {
  const { admin } = await createWorkspace();
  const { body: ada } = await admin.api.post("/contacts", { first_name: "Ada", title: "Countess" });
  const path = `/contacts/${ada.id}`;
  const first = await admin.api.patch(path, { first_name: "Augusta", title: "Lady" });
  const second = await admin.api.patch(path, { first_name: "Adelaide" });
  const { status, body } = await admin.api.post(`/changes/${changeOf(first)}/undo`, {});
  assertEquals([status, body.code, body.number_of_conflicts], [409, "undo_conflict", 1]);
  assertEquals(body.conflicts, [{
    table_name: "contacts",
    record_id: ada.id,
    field: "first_name",
    reason: "changed_since",
    before: "Ada",
    after: "Augusta",
    current: "Adelaide",
    changed_by: changeOf(second),
  }]);
  const { body: unchanged } = await admin.api.get(path);
  assertEquals([unchanged.first_name, unchanged.title], ["Adelaide", "Lady"]);
});

test("changes.undo keeps later changes with keep, and takes them back with revert", async () => {
  const { admin } = await createWorkspace();
  const { body: ada } = await admin.api.post("/contacts", { first_name: "Ada", title: "Countess" });
  const path = `/contacts/${ada.id}`;
  const change = changeOf(await admin.api.patch(path, { first_name: "Augusta", title: "Lady" }));
  await admin.api.patch(path, { first_name: "Adelaide" });
  const kept = await admin.api.post(`/changes/${change}/undo`, { on_conflict: "keep" });
  assertEquals([kept.status, kept.body.kept.length, kept.body.changed], [200, 1, { contacts: 1 }]);
  const after = (await admin.api.get(path)).body;
  assertEquals([after.first_name, after.title], ["Adelaide", "Countess"]);
  // The undo of the undo, then the first change taken back with its later change.
  await admin.api.post(`/changes/${kept.body.change_id}/undo`, {});
  const reverted = await admin.api.post(`/changes/${change}/undo`, { on_conflict: "revert" });
  assertEquals(reverted.status, 200);
  const end = (await admin.api.get(path)).body;
  assertEquals([end.first_name, end.title], ["Ada", "Countess"]);
});

test("changes.undo takes back the change of a member", async () => {
  const { admin } = await createWorkspace();
  const { body: before } = await admin.api.get("/me");
  const change = changeOf(await admin.api.patch(`/users/${admin.id}`, { first_name: "Augusta" }));
  const undo = await admin.api.post(`/changes/${change}/undo`, {});
  assertEquals([undo.status, undo.body.changed], [200, { sales: 1 }]);
  assertEquals((await admin.api.get("/me")).body.first_name, before.first_name);
});

test("changes.undo of an undone change is 409; undoing the undo repeats the change", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${created.body.id}`;
  const undo = await admin.api.post(`/changes/${changeOf(created)}/undo`, {});
  assertEquals([undo.status, undo.body.deleted], [200, { contacts: 1 }]);
  assertEquals(changeOf(undo), undo.body.change_id);
  assertEquals((await admin.api.get(path)).status, 410);
  const again = await admin.api.post(`/changes/${changeOf(created)}/undo`, {});
  assertEquals([again.status, again.body.code], [409, "already_undone"]);
  const shown = (await admin.api.get(`/changes/${changeOf(created)}`)).body;
  assertEquals(shown.undone_by, undo.body.change_id);
  const redo = await admin.api.post(`/changes/${undo.body.change_id}/undo`, {});
  assertEquals([redo.status, redo.body.restored], [200, { contacts: 1 }]);
  assertEquals((await admin.api.get(path)).status, 200);
  assertEquals((await admin.api.get(`/changes/${changeOf(created)}`)).body.undone_by, null);
});

test("changes.undo of a creation refuses when the record got children since", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/companies", { name: "Analytical Engines" });
  const { id } = created.body;
  const contact = await admin.api.post("/contacts", { first_name: "Ada", company_id: id });
  const path = `/changes/${changeOf(created)}/undo`;
  const refused = await admin.api.post(path, {});
  assertEquals(refused.body.conflicts.map(({ reason }: { reason: string }) => reason), [
    "has_later_records",
  ]);
  const kept = await admin.api.post(path, { on_conflict: "keep" });
  assertEquals([kept.status, kept.body.change_id], [200, null]);
  const reverted = await admin.api.post(path, { on_conflict: "revert" });
  assertEquals([reverted.status, reverted.body.deleted], [200, { companies: 1 }]);
  assertEquals((await admin.api.get(`/contacts/${contact.body.id}`)).status, 410);
});

test("changes.undo of a restoration with keep leaves a restored task that changed, and its contact", async () => {
  const { admin } = await createWorkspace();
  const { body: ada } = await admin.api.post("/contacts", { first_name: "Ada" });
  const { body: task } = await admin.api.post("/tasks", { contact_id: ada.id, text: "Call" });
  await admin.api.delete(`/contacts/${ada.id}`);
  const change = changeOf(await admin.api.post(`/contacts/${ada.id}/restore`, {}));
  await admin.api.patch(`/tasks/${task.id}`, { text: "Call twice" });
  const { body: undone } = await admin.api.post(`/changes/${change}/undo`, { on_conflict: "keep" });
  const kept: { table_name: string; reason: string }[] = undone.kept;
  assertEquals(kept.map(({ table_name, reason }) => [table_name, reason]), [
    ["tasks", "changed_since"],
    ["contacts", "has_later_records"],
  ]);
  const { status, body } = await admin.api.get(`/tasks/${task.id}`);
  assertEquals([status, body.text, body.contact_id], [200, "Call twice", ada.id]);
});

test("changes.undo with keep keeps the closing date with a stage that changed since, and the reverse", async () => {
  const { admin } = await createWorkspace();
  const later = { stage: "lost", closed_at: "2026-01-02T00:00:00Z" };
  for (const [field, value] of Object.entries(later)) {
    const { body: deal } = await admin.api.post("/deals", { name: "A", stage: "opportunity" });
    const path = `/deals/${deal.id}`;
    const change = changeOf(await admin.api.post(`${path}/move`, { stage: "won" }));
    const { body: changed } = await admin.api.patch(path, { [field]: value });
    const undone = await admin.api.post(`/changes/${change}/undo`, { on_conflict: "keep" });
    assertEquals([undone.status, undone.body.kept.length], [200, 1], JSON.stringify(undone.body));
    const { body: kept } = await admin.api.get(path);
    assertEquals([kept.stage, kept.closed_at], [changed.stage, changed.closed_at]);
  }
});

test("changes.undo leaves a record without owner when its former owner is disabled", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const rep = await workspace.addMember("rep");
  const { body: ada } = await rep.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${ada.id}`;
  const change = changeOf(await admin.api.patch(path, { sales_id: admin.id, title: "Lady" }));
  await sql`update public.sales set disabled = true where id = ${rep.id}`;
  const { status } = await admin.api.post(`/changes/${change}/undo`, {});
  const { body: after } = await admin.api.get(path);
  assertEquals([status, after.sales_id, after.title], [200, null, null]);
});

test("changes.undo cannot return a contact to a deleted company, and names the deletion", async () => {
  const { admin } = await createWorkspace();
  const { body: company } = await admin.api.post("/companies", { name: "A" });
  const { body: ada } = await admin.api.post("/contacts", {
    first_name: "Ada",
    company_id: company.id,
  });
  const path = `/contacts/${ada.id}`;
  const change = changeOf(await admin.api.patch(path, { company_id: null, first_name: "Augusta" }));
  const deletion = changeOf(await admin.api.delete(`/companies/${company.id}`));
  const refused = await admin.api.post(`/changes/${change}/undo`, {});
  const { field, reason, changed_by } = refused.body.conflicts[0];
  assertEquals([refused.status, field, reason, changed_by], [
    409,
    "company_id",
    "reference_deleted",
    deletion,
  ]);
  const kept = await admin.api.post(`/changes/${change}/undo`, { on_conflict: "keep" });
  const { body: after } = await admin.api.get(path);
  assertEquals([kept.status, after.first_name, after.company_id], [200, "Ada", null]);
});

test("changes.undo keeps that a later change emptied an array to null", async () => {
  const { admin } = await createWorkspace();
  const { body: ada } = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${ada.id}`;
  const change = await admin.api.patch(path, { first_name: "Augusta", tags: [] });
  await admin.api.patch(path, { tags: null });
  const undo = await admin.api.post(`/changes/${changeOf(change)}/undo`, { on_conflict: "keep" });
  const { body: after } = await admin.api.get(path);
  assertEquals([undo.status, after.first_name, after.tags], [200, "Ada", null]);
});

test("changes.undo of a merge leaves the records of a purged loser with the winner", async () => {
  const { admin } = await createWorkspace();
  const make = async () => (await admin.api.post("/contacts", { first_name: "Ada" })).body.id;
  const [winner, loser, other] = [await make(), await make(), await make()];
  const taskOf = async (contact_id: number) =>
    (await admin.api.post("/tasks", { contact_id, text: "Call" })).body.id;
  const [task, otherTask] = [await taskOf(loser), await taskOf(other)];
  const merge = await admin.api.post(`/contacts/${winner}/merge`, { loser_ids: [loser, other] });
  const { data: items } = (await admin.api.get("/trash?reason=merged")).body;
  const item = items.find(({ record_id }: { record_id: number }) => record_id === loser);
  assertEquals((await admin.api.delete(`/trash/${item.id}`)).status, 204);
  const path = `/changes/${changeOf(merge)}/undo`;
  const refused = await admin.api.post(path);
  const found = refused.body.conflicts.map((
    { table_name, record_id, reason }: Record<string, unknown>,
  ) => [table_name, record_id, reason]);
  assertEquals(found, [["tasks", task, "reference_deleted"], ["contacts", loser, "purged"]]);
  assertEquals((await admin.api.post(path, { on_conflict: "keep" })).status, 200);
  const contactOf = async (id: number) => (await admin.api.get(`/tasks/${id}`)).body.contact_id;
  assertEquals([await contactOf(task), await contactOf(otherTask)], [winner, other]);
});

test("changes.undo of a merge brings the losers and their records back", async () => {
  const { admin } = await createWorkspace();
  const make = async (first_name: string) =>
    (await admin.api.post("/contacts", { first_name })).body.id;
  const [winner, loser] = [await make("Ada"), await make("Augusta")];
  const other = await make("Charles");
  const { body: task } = await admin.api.post("/tasks", { contact_id: loser, text: "Call" });
  const { body: deal } = await admin.api.post("/deals", {
    name: "Engine",
    stage: "opportunity",
    contact_ids: [loser, other],
  });
  const merge = await admin.api.post(`/contacts/${winner}/merge`, { loser_ids: [loser] });
  const later = await admin.api.post("/tasks", { contact_id: winner, text: "Write" });
  const added = await make("George");
  await admin.api.patch(`/deals/${deal.id}`, { contact_ids: [winner, other, added] });
  const undo = await admin.api.post(`/changes/${changeOf(merge)}/undo`, {});
  assertEquals(undo.status, 200, JSON.stringify(undo.body));
  assertEquals((await admin.api.get(`/contacts/${loser}`)).status, 200);
  assertEquals((await admin.api.get(`/tasks/${task.id}`)).body.contact_id, loser);
  assertEquals((await admin.api.get(`/tasks/${later.body.id}`)).body.contact_id, winner);
  const ids = (await admin.api.get(`/deals/${deal.id}`)).body.contact_ids;
  assertEquals(ids, [loser, other, added]);
});

test("changes.undo undoes a chain of merges in reverse, and names the later change", async () => {
  const { admin } = await createWorkspace();
  const make = async (first_name: string) =>
    (await admin.api.post("/contacts", { first_name })).body.id;
  const [a, b, c] = [await make("A"), await make("B"), await make("C")];
  const first = changeOf(await admin.api.post(`/contacts/${b}/merge`, { loser_ids: [a] }));
  const second = changeOf(await admin.api.post(`/contacts/${c}/merge`, { loser_ids: [b] }));
  const refused = await admin.api.post(`/changes/${first}/undo`, {});
  assertEquals([refused.status, refused.body.code], [409, "undo_conflict"]);
  assertEquals(refused.body.conflicts[0].changed_by, second);
  assertEquals((await admin.api.post(`/changes/${second}/undo`, {})).status, 200);
  assertEquals((await admin.api.post(`/changes/${first}/undo`, {})).status, 200);
  for (const id of [a, b, c]) {
    assertEquals((await admin.api.get(`/contacts/${id}`)).status, 200);
  }
});

test("changes.undo needs the rights of each single write", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const [rep, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
  const created = await rep.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${created.body.id}`;
  const foreign = await other.api.post(`/changes/${changeOf(created)}/undo`, {});
  assertEquals([foreign.status, foreign.body.code], [403, "forbidden"]);
  assertEquals((await admin.api.get(path)).status, 200);
  const renamed = changeOf(await rep.api.patch(path, { first_name: "Augusta" }));
  assertEquals((await other.api.post(`/changes/${renamed}/undo`, {})).status, 200);
  const deleted = changeOf(await admin.api.delete(path));
  const refused = await other.api.post(`/changes/${deleted}/undo`, {});
  assertEquals([refused.status, refused.body.code], [403, "restore_not_allowed"]);
  assertEquals((await rep.api.post(`/changes/${deleted}/undo`, {})).status, 200);
  const demoted = changeOf(await admin.api.patch(`/users/${other.id}`, { role: "manager" }));
  const forbidden = await rep.api.post(`/changes/${demoted}/undo`, {});
  assertEquals([forbidden.status, forbidden.body.code], [403, "admin_required"]);
});

test("changes.undo cannot return purged records, and says so", async () => {
  const { admin } = await createWorkspace();
  const { body } = await admin.api.post("/contacts", { first_name: "Ada" });
  const deleted = changeOf(await admin.api.delete(`/contacts/${body.id}`));
  await admin.api.delete("/trash");
  for (const on_conflict of ["refuse", "revert"]) {
    const { status, body } = await admin.api.post(`/changes/${deleted}/undo`, { on_conflict });
    assertEquals([status, only(body.conflicts as { reason: string }[]).reason], [409, "purged"]);
  }
});

test("changes.undo refuses a change older than 30 days", async () => {
  const { id, admin } = await createWorkspace();
  const change = changeOf(await admin.api.post("/contacts", { first_name: "Ada" }));
  await sql`
    update public.changes set created_at = now() - interval '31 days'
    where workspace_id = ${id} and id = ${change}`;
  const { status, body } = await admin.api.post(`/changes/${change}/undo`, {});
  assertEquals([status, body.code], [409, "undo_expired"]);
});

test("changes.undo twice at once undoes once", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `/changes/${changeOf(created)}/undo`;
  const answers = await Promise.all([admin.api.post(path, {}), admin.api.post(path, {})]);
  assertEquals(answers.map(({ status }) => status).sort(), [200, 409]);
});

test("changes.undo needs no body", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/contacts", { first_name: "Ada" });
  const undone = await admin.api.post(`/changes/${changeOf(created)}/undo`);
  assertEquals([undone.status, undone.body.deleted], [200, { contacts: 1 }]);
});

test("changes.undo gives an owner back only with the rights for it", async () => {
  const workspace = await createWorkspace();
  const [rep, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
  const { body: ada } = await rep.api.post("/contacts", { first_name: "Ada" });
  const given = changeOf(await rep.api.patch(`/contacts/${ada.id}`, { sales_id: other.id }));
  const refused = await rep.api.post(`/changes/${given}/undo`, {});
  assertProblem(refused, 403, "owner_change_not_allowed");
  assertEquals((await other.api.post(`/changes/${given}/undo`, {})).status, 200);
});

test("changes.undo of one's own role needs an admin", async () => {
  const { admin, addMember } = await createWorkspace();
  const colleague = await addMember("admin");
  const left = changeOf(await admin.api.patch(`/users/${admin.id}`, { role: "rep" }));
  const refused = await admin.api.post(`/changes/${left}/undo`, {});
  assertProblem(refused, 403, "member_change_not_allowed");
  assertEquals((await colleague.api.post(`/changes/${left}/undo`, {})).status, 200);
});

test("changes.undo keeps the last active admin", async () => {
  const { admin, addMember } = await createWorkspace();
  const colleague = await addMember("rep");
  const promoted = changeOf(await admin.api.patch(`/users/${colleague.id}`, { role: "admin" }));
  assertEquals((await colleague.api.patch(`/users/${admin.id}`, { role: "rep" })).status, 200);
  const refused = await colleague.api.post(`/changes/${promoted}/undo`, {});
  assertProblem(refused, 409, "last_admin");
});
