/** deals.get: included records. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test } from "../../support/workspace.ts";

test("deals.get includes company, owner and the contacts in their order", async () => {
  const { admin } = await createWorkspace();
  const { api } = admin;
  const company_id = (await api.post("/companies", { name: "Engines Ltd" })).body.id;
  const ada = (await api.post("/contacts", { first_name: "Ada" })).body.id;
  const bea = (await api.post("/contacts", { first_name: "Bea", title: "CEO" })).body.id;
  const deal = { name: "Engine", stage: "won", company_id, contact_ids: [bea, ada] };
  const { id } = (await api.post("/deals", deal)).body;
  const { body } = await api.get(`/deals/${id}?include=company,owner,contacts`);
  assertEquals(body.company, { id: company_id, name: "Engines Ltd", website: null });
  assertEquals(body.company_name, "Engines Ltd");
  assertEquals(body.owner, { id: admin.id, first_name: "Ada", last_name: "Admin" });
  assertEquals(body.contacts, [
    { id: bea, first_name: "Bea", last_name: null, title: "CEO" },
    { id: ada, first_name: "Ada", last_name: null, title: null },
  ]);
});
