/** companies.delete and companies.restore: the records that are deleted and restored with a company. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { countRows, danglingContacts, insertRow, rowOf } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

const TABLES = ["companies", "contacts", "deals", "tasks", "contact_notes", "deal_notes"];

test("companies.delete deletes contacts and deals with the company, and companies.restore restores exactly these", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  const [contact, earlier] = [
    await insertRow(workspace, "contacts", { company_id }),
    await insertRow(workspace, "contacts", { company_id }),
  ];
  const free = await insertRow(workspace, "contacts");
  const deal = { name: "deal", stage: "won" };
  const own = await insertRow(workspace, "deals", {
    ...deal,
    company_id,
    contact_ids: [free, contact],
  });
  const other = await insertRow(workspace, "deals", { ...deal, contact_ids: [contact, free] });
  await insertRow(workspace, "tasks", { contact_id: contact });
  await insertRow(workspace, "contact_notes", { contact_id: contact });
  await insertRow(workspace, "deal_notes", { deal_id: own });
  await api.delete(`/contacts/${earlier}`);
  const before = await countRows(workspace.id, TABLES);

  assertEquals((await api.delete(`/companies/${company_id}`)).status, 204);
  assertEquals(await countRows(workspace.id, TABLES), {
    companies: 0,
    contacts: 1,
    deals: 1,
    tasks: 0,
    contact_notes: 0,
    deal_notes: 0,
  });
  assertEquals(await danglingContacts(workspace.id), []);
  assertProblem(await api.get(`/contacts/${contact}`), 410, "deleted");
  assertProblem(await api.post(`/contacts/${contact}/restore`), 409, "parent_deleted");
  assertEquals((await rowOf("deals", other))?.contact_ids, [free]);

  assertEquals((await api.post(`/companies/${company_id}/restore`)).status, 200);
  assertEquals(await countRows(workspace.id, TABLES), before);
  assertEquals((await rowOf("deals", own))?.contact_ids, [free, contact]);
  assertEquals((await rowOf("deals", other))?.contact_ids, [contact, free]);
  assertProblem(await api.get(`/contacts/${earlier}`), 410, "deleted");
});
