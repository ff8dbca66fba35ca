/** imports.undo: what stands in its way. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { csv, importFile } from "./importing.ts";

const PERSON = csv("First name,Email", "Ada,ada@example.com");

test("imports.undo names what has changed since, and on_conflict decides", async () => {
  const { admin: { api } } = await createWorkspace();
  await importFile({ api }, { content: PERSON });
  const content = csv("First name,Email", "Augusta,ada@example.com");
  const { id } = await importFile({ api }, { content, policy: "update" });
  const [ada] = (await api.get("/contacts")).body.data;
  await api.patch(`/contacts/${ada.id}`, { first_name: "Adelaide" });
  const refused = await api.post(`/imports/${id}/undo`, {});
  assertProblem(refused, 409, "undo_conflict");
  assertEquals(refused.body.number_of_conflicts, 1);
  assertEquals(refused.body.conflicts[0].field, "first_name");
  assertEquals((await api.get(`/imports/${id}`)).body.state, "failed");
  const reverted = await api.post(`/imports/${id}/undo`, { on_conflict: "revert" });
  assertEquals([reverted.status, reverted.body.complete], [200, true]);
  assertEquals((await api.get(`/contacts/${ada.id}`)).body.first_name, "Ada");
});

test("imports.undo refuses an import older than 30 days", async () => {
  const { id: workspaceId, admin: { api } } = await createWorkspace();
  const { id } = await importFile({ api }, { content: PERSON });
  await sql`
    update public.changes set created_at = now() - interval '31 days'
    where workspace_id = ${workspaceId} and import_id = ${id}`;
  assertProblem(await api.post(`/imports/${id}/undo`, {}), 409, "undo_expired");
});

test("imports.undo gives owners back only with the rights for it", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, other] = [await addMember("rep"), await addMember("rep")];
  await importFile(rep, { content: PERSON });
  const content = csv("Email,Owner email", `ada@example.com,${other.email}`);
  const { id, updated_count } = await importFile(rep, { content, policy: "update" });
  assertEquals(updated_count, 1);
  assertProblem(await rep.api.post(`/imports/${id}/undo`, {}), 403, "owner_change_not_allowed");
  assertEquals((await admin.api.post(`/imports/${id}/undo`, {})).status, 200);
});
