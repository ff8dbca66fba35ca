/** tasks.create: the owner, and changes of the task's contact. */
import { assertEquals, assertLess } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { contactOf, rowOf } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("tasks.create makes the caller the owner and moves the contact's last_seen to now", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const contact_id = await contactOf(workspace, { last_seen: null, status: "cold" });
  const { status, body } = await rep.api.post("/tasks", { contact_id, type: "call", text: "Call" });
  assertEquals(status, 201, JSON.stringify(body));
  assertEquals([body.sales_id, body.done_date], [rep.id, null]);
  const contact = await rowOf("contacts", contact_id);
  assertLess(Date.now() - Date.parse(String(contact?.last_seen)), 60_000);
  assertEquals(contact?.status, "cold");
});

test("tasks.create never moves last_seen back, and sets the contact's status when the body names one", async () => {
  const workspace = await createWorkspace();
  const last_seen = "2100-01-01T00:00:00+00:00";
  const contact_id = await contactOf(workspace, { last_seen, status: "cold" });
  const { status } = await workspace.admin.api.post("/tasks", {
    contact_id,
    contact_status: "hot",
  });
  assertEquals(status, 201);
  const contact = await rowOf("contacts", contact_id);
  assertEquals([contact?.last_seen, contact?.status], [last_seen, "hot"]);
});

test("tasks.create answers 422 to an unknown status, type or contact, and changes nothing", async () => {
  const [workspace, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const contact_id = await contactOf(workspace, { last_seen: null, status: "cold" });
  const { api } = workspace.admin;
  const before = await rowOf("contacts", contact_id);
  for (
    const [body, code, field] of [
      [{ contact_id, contact_status: "lukewarm" }, "unknown_contact_status", "contact_status"],
      [{ contact_id, type: "telepathy" }, "unknown_type", "type"],
      [{ contact_id: await contactOf(foreign) }, "unknown_reference", "contact_id"],
    ] as const
  ) {
    const answer = await api.post("/tasks", body);
    assertProblem(answer, 422, code);
    assertEquals(Object.keys(answer.body.errors), [field]);
  }
  assertEquals(await rowOf("contacts", contact_id), before);
  assertEquals((await api.get("/tasks?count=exact")).body.total, 0);
});
