/** contact_notes.create: changes of the note's contact, and refusals. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { contactOf, rowOf } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("contact_notes.create moves the contact's last_seen to the note's date, and never back", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const contact_id = await contactOf(workspace, { last_seen: null });
  const write = async (date: string) => {
    const { status, body } = await api.post("/contact_notes", { contact_id, text: "Met", date });
    assertEquals(status, 201, JSON.stringify(body));
    return (await rowOf("contacts", contact_id))?.last_seen;
  };
  assertEquals(await write("2026-03-01T10:00:00Z"), "2026-03-01T10:00:00+00:00");
  assertEquals(await write("2026-02-01T10:00:00Z"), "2026-03-01T10:00:00+00:00");
  assertEquals(await write("2026-04-01T12:00:00+02:00"), "2026-04-01T10:00:00+00:00");
});

test("contact_notes.create sets the contact's status only when the body names one", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const contact_id = await contactOf(workspace, { status: "cold" });
  const plain = await api.post("/contact_notes", { contact_id, text: "Met", status: "hot" });
  assertEquals([plain.status, plain.body.status], [201, "hot"]);
  assertEquals((await rowOf("contacts", contact_id))?.status, "cold");
  await api.post("/contact_notes", { contact_id, text: "Met", contact_status: "in-contract" });
  assertEquals((await rowOf("contacts", contact_id))?.status, "in-contract");
});

test("contact_notes.create answers 422 to an unknown status, contact or owner, and changes nothing", async () => {
  const [workspace, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { api } = workspace.admin;
  const contact_id = await contactOf(workspace, { status: "cold", last_seen: null });
  const before = await rowOf("contacts", contact_id);
  for (
    const [values, code, field] of [
      [{ contact_status: "lukewarm" }, "unknown_contact_status", "contact_status"],
      [{ status: "lukewarm" }, "unknown_status", "status"],
      [{ contact_id: await contactOf(foreign) }, "unknown_reference", "contact_id"],
      [{ sales_id: foreign.admin.id }, "unknown_reference", "sales_id"],
    ] as const
  ) {
    const answer = await api.post("/contact_notes", { contact_id, text: "Met", ...values });
    assertProblem(answer, 422, code);
    assertEquals(Object.keys(answer.body.errors), [field]);
  }
  assertEquals(await rowOf("contacts", contact_id), before);
  assertEquals((await api.get("/contact_notes?count=exact")).body.total, 0);
});

test("contact_notes.create and tasks.create on one contact at the same time all succeed", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const contact_id = await contactOf(workspace, { last_seen: null });
  const dates = Array.from({ length: 12 }, (_, day) => `2100-01-${10 + day}T00:00:00+00:00`);
  const answers = await Promise.all(dates.flatMap((date) => [
    api.post("/contact_notes", { contact_id, text: "Met", date, contact_status: "warm" }),
    api.post("/tasks", { contact_id, text: "Call", contact_status: "warm" }),
  ]));
  assertEquals(answers.filter(({ status }) => status !== 201).map(({ body }) => body), []);
  const contact = await rowOf("contacts", contact_id);
  assertEquals([contact?.last_seen, contact?.status], [dates.at(-1), "warm"]);
});
