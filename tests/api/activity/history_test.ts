/** The history of one record: contacts.history, companies.history, deals.history. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import type { Entry } from "./entry.ts";

test("contacts.history shows a merge, and stays readable after the contact is deleted", async () => {
  const { admin } = await createWorkspace();
  const [winner, loser] = await Promise.all(
    ["Ada", "Augusta"].map((first_name) => admin.api.post("/contacts", { first_name })),
  );
  const merged = await admin.api.post(`/contacts/${winner?.body.id}/merge`, {
    loser_ids: [loser?.body.id],
    fields: { first_name: loser?.body.id },
  });
  assertEquals(merged.status, 200);
  const lost = await admin.api.get(`/contacts/${loser?.body.id}/history`);
  const [last, first]: Entry[] = lost.body.data;
  assertEquals([last?.action, first?.action], ["merged", "created"]);
  assertEquals(last?.changes.merged_into, { before: null, after: winner?.body.id });
  const won = await admin.api.get(`/contacts/${winner?.body.id}/history`);
  assertEquals(won.body.data[0].changes.first_name, { before: "Ada", after: "Augusta" });
});

test("deals.history shows a change of stage", async () => {
  const { admin } = await createWorkspace();
  const { body: deal } = await admin.api.post("/deals", { name: "Deal", stage: "opportunity" });
  await sql`update public.deals set stage = 'proposal-sent' where id = ${deal.id}`;
  const { body } = await admin.api.get(`/deals/${deal.id}/history`);
  assertEquals(body.data[0].action, "stage_changed");
  assertEquals(body.data[0].changes.stage, { before: "opportunity", after: "proposal-sent" });
  assertEquals(body.data[0].member_id, null);
});

test("companies.history answers 404 for a missing company and for one of another workspace", async () => {
  const [{ admin }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { body: company } = await other.admin.api.post("/companies", { name: "Analytical" });
  for (const id of [company.id, 999_999_999]) {
    assertProblem(await admin.api.get(`/companies/${id}/history`), 404, "not_found");
  }
});

test("companies.history refuses the cursor of another record", async () => {
  const { admin } = await createWorkspace();
  const [first, second] = await Promise.all(
    ["A", "B"].map((name) => admin.api.post("/companies", { name })),
  );
  await admin.api.patch(`/companies/${first?.body.id}`, { city: "London" });
  const { body } = await admin.api.get(`/companies/${first?.body.id}/history?limit=1`);
  const path = `/companies/${second?.body.id}/history?limit=1&cursor=${body.next_cursor}`;
  assertProblem(await admin.api.get(path), 400, "invalid_cursor");
});
