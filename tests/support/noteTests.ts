/** What is particular about notes of contacts and of deals. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow, insertRows, rowOf } from "../../support/records.ts";
import { createWorkspace, test, type Workspace } from "../../support/workspace.ts";

async function contactOf(workspace: Workspace, values = {}): Promise<number> {
  return await insertRow(workspace, "contacts", { first_name: "Ada", ...values });
}

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

test("contact_notes.create sets the contact's status only when asked", async () => {
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

test("contact_notes.create and tasks.create on one contact at once all succeed", async () => {
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

test("contact_notes.update keeps a status that was stored before", async () => {
  const workspace = await createWorkspace();
  const contact_id = await contactOf(workspace);
  const id = await insertRow(workspace, "contact_notes", { contact_id, status: "tepid" });
  const { status, body } = await workspace.admin.api.patch(`/contact_notes/${id}`, {
    status: "tepid",
    text: "Still tepid",
  });
  assertEquals([status, body.status], [200, "tepid"]);
});

for (
  const [resource, parent, key] of [
    ["contact_notes", "contacts", "contact_id"],
    ["deal_notes", "deals", "deal_id"],
  ] as const
) {
  const parentValues = parent === "deals"
    ? { name: "Engine", stage: "opportunity" }
    : { first_name: "Ada" };
  const included = key.replace("_id", "");

  test(`${resource}.list lists those of one record, the newest first, those without a date last`, async () => {
    const workspace = await createWorkspace();
    const [one, other] = [
      await insertRow(workspace, parent, parentValues),
      await insertRow(workspace, parent, parentValues),
    ];
    const ids = await insertRows(workspace, resource, [
      { [key]: one, date: "2026-01-01T00:00:00Z" },
      { [key]: one, date: null },
      { [key]: one, date: "2026-03-01T00:00:00Z" },
      { [key]: one, date: "2026-01-01T00:00:00Z" },
      { [key]: other, date: "2026-02-01T00:00:00Z" },
    ]);
    const { body } = await workspace.admin.api.get(
      `/${resource}?${key}=${one}&include=${included},owner`,
    );
    const found = body.data.map(({ id }: { id: number }) => id);
    assertEquals(found, [ids[2], ids[3], ids[0], ids[1]]);
    assertEquals(body.data[0][included].id, one);
    assertEquals(body.data[0].owner.id, workspace.admin.id);
    assertEquals(body.data[0].attachments, []);
  });

  test(`${resource} go to the trash with their record, and come back with it`, async () => {
    const workspace = await createWorkspace();
    const { api } = workspace.admin;
    const id = await insertRow(workspace, parent, parentValues);
    const note = await insertRow(workspace, resource, { [key]: id, text: "Met" });
    await api.delete(`/${parent}/${id}`);
    assertProblem(await api.get(`/${resource}/${note}`), 410, "deleted");
    assertProblem(await api.post(`/${resource}/${note}/restore`), 409, "parent_deleted");
    await api.post(`/${parent}/${id}/restore`);
    assertEquals((await api.get(`/${resource}/${note}`)).body.text, "Met");
  });

  test(`${resource}.delete is for the owner and managers, and may be repeated`, async () => {
    const workspace = await createWorkspace();
    const [owner, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
    const id = await insertRow(workspace, parent, parentValues);
    const { body: note } = await owner.api.post(`/${resource}`, { [key]: id, text: "Met" });
    assertEquals(note.sales_id, owner.id);
    assertProblem(await other.api.delete(`/${resource}/${note.id}`), 403, "forbidden");
    assertEquals((await owner.api.delete(`/${resource}/${note.id}`)).status, 204);
    assertEquals((await owner.api.delete(`/${resource}/${note.id}`)).status, 204);
    assertEquals((await owner.api.post(`/${resource}/${note.id}/restore`)).body.text, "Met");
  });
}
