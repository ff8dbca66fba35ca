/** merges.list: the merges of all kinds, read from the changes. */
import { assertEquals } from "@std/assert";
import { insertRows } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

test("merges.list shows winner, losers, member and change of every kind of merge, and its undo", async () => {
  const workspace = await createWorkspace();
  const { api, id } = workspace.admin;
  const contacts = await insertRows(workspace, "contacts", [{}, {}, {}]);
  const companies = await insertRows(workspace, "companies", [{ name: "A" }, { name: "B" }]);
  const tags = await insertRows(workspace, "tags", [
    { name: "A", color: "red" },
    { name: "B", color: "red" },
  ]);
  const expected = [];
  for (const [table_name, ids] of Object.entries({ contacts, companies, tags })) {
    const [winner_id, ...loser_ids] = ids;
    const { body } = await api.post(`/${table_name}/${winner_id}/merge`, { loser_ids });
    expected.unshift({
      table_name,
      winner_id,
      loser_ids,
      change_id: body.merge_id,
      member_id: id,
      undone_by: null,
    });
  }
  const { body } = await api.get(
    "/merges?select=table_name,winner_id,loser_ids,change_id,member_id,undone_by",
  );
  assertEquals(body.data, expected);
  const undo = await api.post(`/changes/${expected[0]?.change_id}/undo`, {});
  const [last] = (await api.get("/merges?table_name=tags&include=member")).body.data;
  assertEquals([last.undone_by, last.member.id], [undo.body.change_id, id]);
  assertEquals((await api.get("/merges?undone_by=is.null")).body.data.length, 2);
  const foreign = await createWorkspace();
  assertEquals((await foreign.admin.api.get("/merges")).body.data, []);
});

test("merges.list keeps the winner of a merge after the trash was purged", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [winner, loser] = await insertRows(workspace, "contacts", [{}, { first_name: "Ada" }]);
  await api.post(`/contacts/${winner}/merge`, { loser_ids: [loser] });
  assertEquals((await api.delete("/trash")).body.complete, true);
  const { body } = await api.get("/merges?select=winner_id,loser_ids");
  assertEquals(body.data, [{ winner_id: winner, loser_ids: [loser] }]);
});

test("tags.merge takes fields, counts the contacts, and changes.undo takes it back", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await insertRows(workspace, "tags", [
    { name: "A", color: "red" },
    { name: "B", color: "blue" },
    { name: "C", color: "green" },
  ]);
  const [one, two] = await insertRows(workspace, "contacts", [{ tags: [b, c, a] }, { tags: [c] }]);
  const merged = await api.post(`/tags/${a}/merge`, { loser_ids: [b], fields: { color: b } });
  assertEquals([merged.body.moved, merged.body.winner.color], [{ contacts: 1 }, "blue"]);
  assertEquals((await api.get(`/contacts/${one}`)).body.tags, [a, c]);
  const next = await api.post(`/tags/${c}/merge`, { loser_ids: [a] });
  assertEquals((await api.get(`/contacts/${one}`)).body.tags, [c]);
  assertEquals((await api.get(`/tags/${b}?follow_merged=true`)).body.id, c);
  for (const { body } of [next, merged]) {
    assertEquals((await api.post(`/changes/${body.merge_id}/undo`, {})).status, 200);
  }
  assertEquals((await api.get(`/contacts/${one}`)).body.tags, [b, c, a]);
  assertEquals((await api.get(`/contacts/${two}`)).body.tags, [c]);
  assertEquals((await api.get(`/tags/${a}`)).body.color, "red");
});
