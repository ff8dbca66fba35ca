/** A deletion needs the right over every record that it cascades to. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { create, dataApi, everythingIn, insertRow } from "../support/records.ts";
import { createWorkspace, test } from "../support/workspace.ts";

test("a member cannot delete the records of others through a company of their own", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const company = await create(rep.api, "/companies", { name: "Trap" });
  const ids = [];
  for (const last_name of ["Lovelace", "Hopper"]) {
    ids.push(await insertRow(workspace, "contacts", { last_name }));
  }
  const moved = await rep.api.post("/contacts/bulk", { ids, set: { company_id: company } });
  assertEquals(moved.status, 200);
  const before = await everythingIn(workspace.id);
  const answer = await rep.api.delete(`/companies/${company}`);
  assertProblem(answer, 403, "forbidden");
  assertStringIncludes(answer.body.detail, "2 contacts of other members");
  const bulk = await rep.api.post("/companies/bulk", { ids: [company], delete: true });
  assertProblem(bulk, 403, "forbidden");
  assertEquals(await dataApi(rep, "DELETE", `companies?id=eq.${company}`, {}), 409);
  assertEquals(await everythingIn(workspace.id), before);
  const manager = await workspace.addMember("manager");
  assertEquals((await manager.api.delete(`/companies/${company}`)).status, 204);
});

test("a member deletes a company whose contacts and deals are their own", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const company_id = await create(rep.api, "/companies", { name: "Own" });
  const contact_id = await create(rep.api, "/contacts", { last_name: "Own", company_id });
  await create(rep.api, "/tasks", { contact_id, text: "Call" });
  await create(rep.api, "/deals", { name: "Own", stage: "opportunity", company_id });
  assertEquals((await rep.api.delete(`/companies/${company_id}`)).status, 204);
});
