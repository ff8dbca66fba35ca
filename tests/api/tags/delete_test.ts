/** tags.delete and tags.restore: the contacts that carry the tag. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { tag, tagged, tagsOf } from "./tagged.ts";

test("tags.delete removes a tag from every contact, and tags.restore puts it back", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = [await tag(workspace, "One"), await tag(workspace, "Two")];
  const contacts = await tagged(workspace, [a, b], [b, a], [b]);
  const rep = await workspace.addMember("rep");
  assertProblem(await rep.api.delete(`/tags/${a}`), 403, "forbidden");
  assertEquals((await api.delete(`/tags/${a}`)).status, 204);
  assertEquals((await api.delete(`/tags/${a}`)).status, 204);
  assertEquals(await tagsOf(contacts), [[b], [b], [b]]);
  assertProblem(await api.get(`/tags/${a}`), 410, "deleted");
  assertProblem(await rep.api.post(`/tags/${a}/restore`), 403, "forbidden");
  const { status, body } = await api.post(`/tags/${a}/restore`);
  assertEquals([status, body.nb_contacts], [200, 2]);
  assertEquals(await tagsOf(contacts), [[a, b], [b, a], [b]]);
});
