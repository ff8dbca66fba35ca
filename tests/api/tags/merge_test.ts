/** Tags: names, colours, usage counts, and what becomes of the contacts that carry them. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn, insertRow, insertRows, rowOf } from "../../support/records.ts";
import { createWorkspace, test, type Workspace } from "../../support/workspace.ts";

const color = "#eddcd2";

async function tag(workspace: Workspace, name: string): Promise<number> {
  return (await workspace.admin.api.post("/tags", { name, color })).body.id;
}

/** Contacts that carry these tags. */
function tagged(workspace: Workspace, ...tags: number[][]): Promise<number[]> {
  return insertRows(workspace, "contacts", tags.map((tags) => ({ last_name: "A", tags })));
}

async function tagsOf(ids: number[]): Promise<unknown[]> {
  return (await Promise.all(ids.map((id) => rowOf("contacts", id)))).map((row) => row?.tags);
}

test("tags.create answers 409 with the tag that has the name, whatever its case", async () => {
  const workspace = await createWorkspace();
  const id = await tag(workspace, "Café VIP");
  const answer = await workspace.admin.api.post("/tags", { name: "  CAFÉ vip ", color });
  assertProblem(answer, 409, "tag_exists");
  assertEquals([answer.body.id, Object.keys(answer.body.errors)], [id, ["name"]]);
  const other = await createWorkspace();
  assertEquals((await other.admin.api.post("/tags", { name: "café vip", color })).status, 201);
});

test("tags.create lets one of many at once have a name", async () => {
  const { admin } = await createWorkspace();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => admin.api.post("/tags", { name: "Race", color })),
  );
  const created = answers.filter(({ status }) => status === 201);
  assertEquals(created.length, 1);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    assertProblem(answer, 409, "tag_exists");
    assertEquals(answer.body.id, created[0]?.body.id);
  }
});

test("tags.create answers 422 to a colour that is none, and to an empty name", async () => {
  const { admin } = await createWorkspace();
  for (const wrong of ["red;", "#12", "#12345", "ffffff", "#gggggg", "url(#a)", ""]) {
    const answer = await admin.api.post("/tags", { name: "A", color: wrong });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["color"]);
  }
  assertProblem(await admin.api.post("/tags", { name: "  ", color }), 422, "validation_failed");
});

test("tags.list counts contacts, finds names by q, and shows colours of before", async () => {
  const workspace = await createWorkspace();
  const [a, b] = [await tag(workspace, "Big fish"), await tag(workspace, "Äpfel")];
  const legacy = await insertRow(workspace, "tags", { name: "old", color: "lightblue" });
  await tagged(workspace, [a, b], [a], []);
  const { body } = await workspace.admin.api.get("/tags?sort=-nb_contacts,id");
  const shown = body.data.map((row: Record<string, unknown>) => [row.id, row.nb_contacts]);
  assertEquals(shown, [[a, 2], [b, 1], [legacy, 0]]);
  assertEquals(body.data[2].color, "lightblue");
  for (const query of ["q=apfel", "q=%C3%84p", "name@ilike=*pfel", `id=${b}`]) {
    const found = (await workspace.admin.api.get(`/tags?${query}`)).body.data;
    assertEquals(found.map((row: { id: number }) => row.id), [b], query);
  }
});

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

test("tags.delete takes a tag off every contact, and tags.restore puts it back", async () => {
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
  assertProblem(await rep.api.post(`/tags/${a}/restore`), 403, "restore_not_allowed");
  const { status, body } = await api.post(`/tags/${a}/restore`);
  assertEquals([status, body.nb_contacts], [200, 2]);
  assertEquals(await tagsOf(contacts), [[a, b], [b, a], [b]]);
});

test("tags.merge puts the winner in the losers' place, once, and answers a repetition alike", async () => {
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

test("tags.merge is for managers, and merges no tag into itself or from elsewhere", async () => {
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
