/** tasks.update: types that are no longer configured. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { contactOf, insertRows } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("tasks.update keeps a stored type that is no longer configured, and refuses to set it again", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const { api } = workspace.admin;
  const [legacy, other] = await insertRows(workspace, "tasks", [
    { contact_id, type: "telegram" },
    { contact_id, type: "call" },
  ]);
  const kept = await api.patch(`/tasks/${legacy}`, { type: "telegram", text: "stop" });
  assertEquals([kept.status, kept.body.type], [200, "telegram"]);
  assertProblem(await api.patch(`/tasks/${other}`, { type: "telegram" }), 422, "unknown_type");
});
