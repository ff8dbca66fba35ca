/** contacts.update: changes of the owner. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("contacts.update accepts a new owner only from the owner, managers and admins", async () => {
  const workspace = await createWorkspace();
  const [rep, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
  const id = await insertRow(workspace, "contacts", { sales_id: rep.id });
  const refused = await other.api.patch(`/contacts/${id}`, { sales_id: other.id, title: "x" });
  assertProblem(refused, 403, "owner_change_not_allowed");
  assertEquals((await other.api.patch(`/contacts/${id}`, { title: "x" })).status, 200);
  const given = await rep.api.patch(`/contacts/${id}`, { sales_id: other.id });
  assertEquals([given.status, given.body.sales_id, given.body.title], [200, other.id, "x"]);
});
