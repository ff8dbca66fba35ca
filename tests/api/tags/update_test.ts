/** tags.update: names and colours. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { color, tag } from "./tagged.ts";

test("tags.update renames and recolours, and leaves a name to the tag that has it", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = [await tag(workspace, "One"), await tag(workspace, "Two")];
  assertEquals((await api.patch(`/tags/${a}`, { name: "ONE" })).body.name, "ONE");
  assertEquals((await api.patch(`/tags/${a}`, { color: "#FFF" })).body.color, "#FFF");
  const answer = await api.patch(`/tags/${a}`, { name: "two" });
  assertProblem(answer, 409, "tag_exists");
  assertEquals(answer.body.id, b);
  // Atomic CRM allows two of a name: each may keep it.
  const twin = await insertRow(workspace, "tags", { name: "two", color });
  assertEquals((await api.patch(`/tags/${twin}`, { name: "Two", color: "#000" })).status, 200);
});
