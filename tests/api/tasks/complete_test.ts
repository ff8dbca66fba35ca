/** tasks.complete and tasks.reopen: repetitions, versions, and permissions. */
import { assertEquals, assertLess } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { contactOf, insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("tasks.complete and tasks.reopen can be repeated", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  const first = await api.post(`/tasks/${id}/complete`);
  assertLess(Math.abs(Date.now() - Date.parse(first.body.done_date)), 60_000);
  const second = await api.post(`/tasks/${id}/complete`);
  assertEquals([second.status, second.body], [200, first.body]);
  const reopened = await api.post(`/tasks/${id}/reopen`);
  assertEquals([reopened.status, reopened.body.done_date], [200, null]);
  assertEquals((await api.post(`/tasks/${id}/reopen`)).body, reopened.body);
});

test("tasks.complete answers 412 when the task has changed, 410 in the trash, 404 when it is missing", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  const headers = { "If-Match": '"2020-01-01T00:00:00Z"' };
  const stale = await api.post(`/tasks/${id}/complete`, undefined, headers);
  assertProblem(stale, 412, "precondition_failed");
  await api.delete(`/tasks/${id}`);
  assertProblem(await api.post(`/tasks/${id}/complete`), 410, "deleted");
  assertProblem(await api.post("/tasks/999999999/reopen"), 404, "not_found");
});

test("tasks.complete is for every member, tasks.delete for the owner and managers", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const id = await insertRow(workspace, "tasks", { contact_id: await contactOf(workspace) });
  assertEquals((await rep.api.post(`/tasks/${id}/complete`)).status, 200);
  assertProblem(await rep.api.delete(`/tasks/${id}`), 403, "forbidden");
});
