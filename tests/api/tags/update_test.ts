/** tags.update: names and colours. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { insertRow } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { color, tag } from "./tagged.ts";

test("tags.update changes name and colour, and answers 409 to a name of another tag", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = [await tag(workspace, "One"), await tag(workspace, "Two")];
  assertEquals((await api.patch(`/tags/${a}`, { name: "ONE" })).body.name, "ONE");
  assertEquals((await api.patch(`/tags/${a}`, { color: "#FFF" })).body.color, "#FFF");
  const answer = await api.patch(`/tags/${a}`, { name: "two" });
  assertProblem(answer, 409, "tag_exists");
  assertEquals(answer.body.id, b);
  // Atomic CRM allows two tags with one name. Each may keep it.
  const twin = await insertRow(workspace, "tags", { name: "two", color });
  assertEquals((await api.patch(`/tags/${twin}`, { name: "Two", color: "#000" })).status, 200);
});
