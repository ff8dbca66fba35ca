/** contact_notes.update: statuses that are no longer configured. */
import { assertEquals } from "@std/assert";
import { contactOf, insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

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
