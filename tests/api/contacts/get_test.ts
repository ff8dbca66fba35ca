/** contacts.get: malformed ids, and included records. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("contacts.get answers 400 to a malformed id, and includes the requested records", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const company_id = await insertRow(workspace, "companies", { name: "Acme" });
  const id = await insertRow(workspace, "contacts", { company_id });
  for (
    const wrong of [
      "x",
      "0",
      "-1",
      "1.5",
      "1e3",
      "01",
      "9007199254740992",
      "99999999999999999999",
      "%00",
    ]
  ) {
    assertProblem(await api.get(`/contacts/${wrong}`), 400, "invalid_parameter");
  }
  const { body } = await api.get(`/contacts/${id}?include=company,owner,tag_records`);
  assertEquals(body.company, { id: company_id, name: "Acme", website: null });
  assertEquals([body.owner.id, body.tag_records], [workspace.admin.id, []]);
  assertProblem(await api.get(`/contacts/${id}?include=nope`), 400, "invalid_parameter");
  assertProblem(await api.get(`/contacts/${id}?nope=1`), 400, "unknown_parameter");
});
