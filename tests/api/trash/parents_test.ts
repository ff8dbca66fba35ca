/** trash.restore and <resource>.restore: records whose parent was merged, deleted or purged meanwhile. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { only, present } from "../../support/exactly.ts";
import { create, danglingContacts, insertRow, rowOf } from "../../support/records.ts";
import { type Api, createWorkspace, sql, test } from "../../support/workspace.ts";

/** The kinds of records that belong to a contact. */
const OF_CONTACT = ["contact_notes", "tasks"] as const;

async function contactsOf(api: Api, ...names: string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const first_name of names) ids.push(await create(api, "/contacts", { first_name }));
  return ids;
}

async function merge(api: Api, winner: number | undefined, loser: number | undefined) {
  const { status } = await api.post(`/contacts/${winner}/merge`, { loser_ids: [loser] });
  assertEquals(status, 200);
}

/** The id of the newest item of the trash. */
async function newestItem(api: Api): Promise<number> {
  return present((await api.get("/trash?limit=1")).body.data[0], "item").id;
}

for (const resource of OF_CONTACT) {
  test(`${resource}.restore follows the contact through two merges`, async () => {
    const workspace = await createWorkspace();
    const { api } = workspace.admin;
    const [a, b, c] = await contactsOf(api, "A", "B", "C");
    const [one, other] = [
      await create(api, `/${resource}`, { contact_id: a, text: "one" }),
      await create(api, `/${resource}`, { contact_id: a, text: "other" }),
    ];
    await api.delete(`/${resource}/${one}`);
    await api.delete(`/${resource}/${other}`);
    const item = await newestItem(api);
    await merge(api, b, a);
    await merge(api, c, b);
    const restored = await api.post(`/${resource}/${one}/restore`);
    assertEquals([restored.status, restored.body.contact_id], [200, c]);
    const fromTrash = await api.post(`/trash/${item}/restore`);
    assertEquals([fromTrash.status, fromTrash.body.restored], [200, { [resource]: 1 }]);
    assertEquals((await rowOf(resource, other))?.contact_id, c);
    assertEquals(await danglingContacts(workspace.id), []);
  });

  test(`${resource}.restore names the contact in the trash that the former one was merged into`, async () => {
    const { admin: { api } } = await createWorkspace();
    const [a, b] = await contactsOf(api, "A", "B");
    const id = await create(api, `/${resource}`, { contact_id: a, text: "one" });
    await api.delete(`/${resource}/${id}`);
    await merge(api, b, a);
    await api.delete(`/contacts/${b}`);
    const refused = await api.post(`/${resource}/${id}/restore`);
    assertProblem(refused, 409, "parent_deleted");
    assertEquals(refused.body.detail.includes(`contacts ${b},`), true, refused.body.detail);
    await api.post(`/contacts/${b}/restore`);
    const restored = await api.post(`/${resource}/${id}/restore`);
    assertEquals([restored.status, restored.body.contact_id], [200, b]);
  });

  test(`${resource}.restore of a purged contact's record needs another contact`, async () => {
    const [own, foreign] = [await createWorkspace(), await createWorkspace()];
    const { api } = own.admin;
    const [gone, other] = await contactsOf(api, "A", "B");
    const id = await create(api, `/${resource}`, { contact_id: gone, text: "one" });
    await api.delete(`/${resource}/${id}`);
    const item = await newestItem(api);
    await api.delete(`/contacts/${gone}`);
    assertEquals((await api.delete(`/trash/${await newestItem(api)}`)).status, 204);
    for (const path of [`/${resource}/${id}/restore`, `/trash/${item}/restore`]) {
      assertProblem(await api.post(path), 409, "parent_purged");
      for (const parent_id of [gone, await insertRow(foreign, "contacts")]) {
        const refused = await api.post(path, { parent_id });
        assertProblem(refused, 422, "unknown_reference");
        assertEquals(Object.keys(refused.body.errors), ["parent_id"]);
      }
      assertProblem(await api.post(path, { contact_id: other }), 422, "validation_failed");
    }
    const restored = await api.post(`/${resource}/${id}/restore`, { parent_id: other });
    assertEquals([restored.status, restored.body.contact_id], [200, other]);
  });
}

test("deal_notes.restore of a purged deal's note needs another deal", async () => {
  const { admin: { api } } = await createWorkspace();
  const deal = { name: "Engine", stage: "opportunity" };
  const [gone, other] = [await create(api, "/deals", deal), await create(api, "/deals", deal)];
  const id = await create(api, "/deal_notes", { deal_id: gone, text: "one" });
  await api.delete(`/deal_notes/${id}`);
  await api.delete(`/deals/${gone}`);
  assertEquals((await api.delete(`/trash/${await newestItem(api)}`)).status, 204);
  assertProblem(await api.post(`/deal_notes/${id}/restore`), 409, "parent_purged");
  const restored = await api.post(`/deal_notes/${id}/restore`, { parent_id: other });
  assertEquals([restored.status, restored.body.deal_id], [200, other]);
});

for (
  const [resource, values] of [
    ["contacts", { first_name: "Ada" }],
    ["deals", { name: "Engine", stage: "won" }],
  ] as const
) {
  test(`${resource}.restore without a body restores the record of a purged company without it`, async () => {
    const { admin: { api } } = await createWorkspace();
    const company_id = await create(api, "/companies", { name: "Analytical" });
    const id = await create(api, `/${resource}`, { ...values, company_id });
    await api.delete(`/${resource}/${id}`);
    await api.delete(`/companies/${company_id}`);
    const refused = await api.post(`/${resource}/${id}/restore`);
    assertProblem(refused, 409, "parent_deleted");
    await api.delete(`/trash/${await newestItem(api)}`);
    const restored = await api.post(`/${resource}/${id}/restore`);
    assertEquals([restored.status, restored.body.company_id], [200, null]);
  });

  test(`${resource}.restore restores the record to a company that the request names`, async () => {
    const { admin: { api } } = await createWorkspace();
    const company_id = await create(api, "/companies", { name: "Analytical" });
    const parent_id = await create(api, "/companies", { name: "Difference" });
    const id = await create(api, `/${resource}`, { ...values, company_id });
    await api.delete(`/${resource}/${id}`);
    await api.delete(`/companies/${company_id}`);
    const restored = await api.post(`/${resource}/${id}/restore`, { parent_id });
    assertEquals([restored.status, restored.body.company_id], [200, parent_id]);
  });
}

test("trash.restore answers 422 to a parent for a record that has none", async () => {
  const { admin: { api } } = await createWorkspace();
  const parent_id = await create(api, "/companies", { name: "Analytical" });
  const id = await create(api, "/companies", { name: "Difference" });
  await api.delete(`/companies/${id}`);
  const refused = await api.post(`/trash/${await newestItem(api)}/restore`, { parent_id });
  assertProblem(refused, 422, "unknown_reference");
});

test("deals.restore keeps the place of a contact that was merged into one in the trash", async () => {
  const { admin: { api } } = await createWorkspace();
  const [first, loser, winner, last] = await contactsOf(api, "A", "B", "C", "D");
  const contact_ids = [first, loser, last];
  const id = await create(api, "/deals", { name: "Engine", stage: "won", contact_ids });
  await api.delete(`/deals/${id}`);
  await merge(api, winner, loser);
  await api.delete(`/contacts/${winner}`);
  const restored = await api.post(`/deals/${id}/restore`);
  assertEquals(restored.body.contact_ids, [first, last]);
  await api.post(`/contacts/${winner}/restore`);
  assertEquals((await api.get(`/deals/${id}`)).body.contact_ids, [first, winner, last]);
});

test("tags.restore gives the tag to the winner of a contact that had it", async () => {
  const { admin: { api } } = await createWorkspace();
  const tag = await create(api, "/tags", { name: "VIP", color: "#fff" });
  const [loser, winner] = await contactsOf(api, "A", "B");
  await api.patch(`/contacts/${loser}`, { tags: [tag] });
  await api.delete(`/tags/${tag}`);
  await merge(api, winner, loser);
  await api.post(`/tags/${tag}/restore`);
  assertEquals((await api.get(`/contacts/${winner}`)).body.tags, [tag]);
});

test("private.set_parent: a table has one parent that its rows are deleted with", async () => {
  const parents = await sql<{ child_table: string; parents: number }[]>`
    select child_table, count(*)::int as parents from private.cascades group by 1`;
  assertEquals(parents.filter((table) => table.parents !== 1), []);
  only(await sql`select from private.cascades where child_table = 'tasks' and is_required`);
});
