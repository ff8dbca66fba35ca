/** delete_note_attachments: a webhook's payload removes no file. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { download, upload } from "../../support/files.ts";
import { contactOf } from "../../support/records.ts";
import { api, createWorkspace, stack, test } from "../../support/workspace.ts";

const PATH = `${stack.apiUrl}/functions/v1/delete_note_attachments`;

test("delete_note_attachments answers as Atomic CRM's function, and removes no file", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const path = await upload(admin);
  const attachments = [{ path }];
  const contact_id = await contactOf(workspace);
  const note = await admin.api.post("/contact_notes", { contact_id, attachments });
  const old_record = { ...note.body, attachments };
  for (
    const payload of [
      { type: "DELETE", table: "contact_notes", schema: "public", record: null, old_record },
      { type: "UPDATE", record: { ...old_record, attachments: [] }, old_record },
      {},
    ]
  ) {
    const { status, body } = await admin.api.post(PATH, payload);
    assertEquals([status, body], [200, { status: "skipped" }]);
  }
  const response = await download(admin.api, path);
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

test("delete_note_attachments answers 401 without a token, 422 to other JSON", async () => {
  const { admin } = await createWorkspace();
  assertProblem(await api().post(PATH, {}), 401, "token_missing");
  assertProblem(await admin.api.post(PATH, [1]), 422, "validation_failed");
});
