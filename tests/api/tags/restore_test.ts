/** tags.restore: the name of the tag may be taken meanwhile. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { create, dataApi } from "../../support/records.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";

test("tags.restore answers 409 while another tag has the name, without case", async () => {
  const { admin: { api } } = await createWorkspace();
  const id = await create(api, "/tags", { name: "VIP", color: "#fff" });
  await api.delete(`/tags/${id}`);
  const other = await create(api, "/tags", { name: "vip", color: "#000" });
  const { body: { data: [item] } } = await api.get("/trash");
  for (const path of [`/tags/${id}/restore`, `/trash/${item.id}/restore`]) {
    const refused = await api.post(path);
    assertProblem(refused, 409, "tag_exists");
    assertEquals(refused.body.id, other);
    assertEquals(refused.body.detail.includes(`Tag ${other} `), true, refused.body.detail);
  }
  await api.patch(`/tags/${other}`, { name: "Press" });
  const restored = await api.post(`/tags/${id}/restore`);
  assertEquals([restored.status, restored.body.name], [200, "VIP"]);
});

test("tags.restore ignores the names of another workspace", async () => {
  const [own, foreign] = [await createWorkspace(), await createWorkspace()];
  const id = await create(own.admin.api, "/tags", { name: "VIP", color: "#fff" });
  await own.admin.api.delete(`/tags/${id}`);
  await create(foreign.admin.api, "/tags", { name: "vip", color: "#fff" });
  assertEquals((await own.admin.api.post(`/tags/${id}/restore`)).status, 200);
});

test("tags.restore and tags.create at the same time give the name to one of them", async () => {
  const { id: workspaceId, admin: { api } } = await createWorkspace();
  const id = await create(api, "/tags", { name: "VIP", color: "#fff" });
  await api.delete(`/tags/${id}`);
  const answers = await Promise.all([
    api.post(`/tags/${id}/restore`),
    api.post("/tags", { name: "vip", color: "#000" }),
  ]);
  assertEquals(answers.filter(({ status }) => status === 409).length, 1);
  const tags = await sql`select from public.tags where workspace_id = ${workspaceId}`;
  assertEquals(tags.length, 1);
});

test("Atomic CRM's clients may still give a name twice", async () => {
  const { admin } = await createWorkspace();
  for (const name of ["VIP", "vip"]) {
    assertEquals(await dataApi(admin, "POST", "tags", { name, color: "#fff" }), 201);
  }
});

test("tags.restore is for managers and admins", async () => {
  const { admin, addMember } = await createWorkspace();
  const [rep, manager] = [await addMember("rep"), await addMember("manager")];
  const id = await create(admin.api, "/tags", { name: "VIP", color: "#fff" });
  await admin.api.delete(`/tags/${id}`);
  assertProblem(await rep.api.post(`/tags/${id}/restore`), 403, "forbidden");
  assertEquals((await manager.api.post(`/tags/${id}/restore`)).status, 200);
});
