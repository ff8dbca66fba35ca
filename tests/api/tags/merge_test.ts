/** tags.merge: the contacts that carry the tags, and permissions. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { tag, tagged, tagsOf } from "./tagged.ts";

test("tags.merge replaces the losers by the winner, once per contact, and answers a repetition alike", async () => {
  const workspace = await createWorkspace();
  const { api } = await workspace.addMember("manager");
  const [a, b, c, d] = [
    await tag(workspace, "A"),
    await tag(workspace, "B"),
    await tag(workspace, "C"),
    await tag(workspace, "D"),
  ];
  const contacts = await tagged(workspace, [d, b, a, c], [b], [c, d, b], [a], [d], []);
  const before = await everythingIn(workspace.id);
  const body = { loser_ids: [b, c, b] };
  const dry = await api.post(`/tags/${a}/merge`, { ...body, dry_run: true });
  assertEquals([dry.body.winner.nb_contacts, dry.body.dry_run], [4, true]);
  assertEquals(await everythingIn(workspace.id), before);
  const merged = await api.post(`/tags/${a}/merge`, body);
  assertEquals([merged.status, merged.body.merged_ids], [200, [b, c]]);
  assertEquals(merged.body.winner, (await api.get(`/tags/${a}`)).body);
  assertEquals(await tagsOf(contacts), [[d, a], [a], [a, d], [a], [d], []]);
  assertEquals((await api.post(`/tags/${a}/merge`, body)).body, merged.body);
  const gone = await api.get(`/tags/${b}`);
  assertProblem(gone, 410, "merged");
  assertEquals(gone.body.merged_into, a);
  assertProblem(await api.post(`/tags/${b}/restore`), 410, "merged");
  assertProblem(await api.post(`/tags/${b}/merge`, { loser_ids: [d] }), 410, "merged");
  assertProblem(await api.post(`/tags/${d}/merge`, { loser_ids: [b] }), 404, "not_found");
});

test("tags.merge is for managers, and refuses a self-merge and tags of another workspace", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b] = [await tag(workspace, "A"), await tag(workspace, "B")];
  const foreign = await tag(await createWorkspace(), "C");
  const rep = await workspace.addMember("rep");
  const before = await everythingIn(workspace.id);
  assertProblem(await rep.api.post(`/tags/${a}/merge`, { loser_ids: [b] }), 403, "forbidden");
  assertProblem(await api.post(`/tags/${a}/merge`, { loser_ids: [b, a] }), 422, "self_merge");
  const missing = await api.post(`/tags/${a}/merge`, { loser_ids: [b, foreign] });
  assertProblem(missing, 404, "not_found");
  assertEquals(missing.body.missing_ids, [foreign]);
  assertEquals(await everythingIn(workspace.id), before);
});
