/** users.list: filters, search, order, pages, and the view of a rep. */
import { assertEquals } from "@std/assert";
import { createWorkspace, freshEmail, test } from "../../support/workspace.ts";

test("users.list filters, searches, sorts, pages and stays in the workspace", async () => {
  const [{ admin, addMember }, other] = await Promise.all([createWorkspace(), createWorkspace()]);
  const rep = await addMember("rep");
  await addMember("manager");
  await rep.api.patch("/me", { first_name: "Zoë", last_name: "Quick-Fox" });
  await admin.api.post("/users", { email: freshEmail(), first_name: "Ina", last_name: "Vited" });
  const ids = async (query: string) => {
    const { status, body } = await admin.api.get(`/users?${query}`);
    assertEquals(status, 200, JSON.stringify(body));
    return body.data.map((user: { id: number }) => user.id);
  };
  assertEquals((await ids("")).length, 4);
  assertEquals(await ids("role=rep&status=active"), [rep.id]);
  assertEquals((await ids("status=invited")).length, 1);
  assertEquals((await ids("role@in=admin,manager")).length, 2);
  assertEquals(await ids("q=zoe+qui"), [rep.id]);
  assertEquals(await ids(`q=${rep.email}`), [rep.id]);
  assertEquals(await ids(`email=${rep.email.toUpperCase()}`), [rep.id]);
  assertEquals(await ids("q=nobody"), []);
  const page = await rep.api.get("/users?limit=3&sort=-id&count=exact&select=id");
  assertEquals([page.body.total, page.body.data.length], [4, 3]);
  const next = await rep.api.get(
    `/users?limit=3&sort=-id&select=id&cursor=${page.body.next_cursor}`,
  );
  assertEquals(next.body.data, [{ id: admin.id }]);
  assertEquals((await other.admin.api.get(`/users/${rep.id}`)).status, 404);
  assertEquals((await other.admin.api.get("/users")).body.data.length, 1);
});

test("users.list shows a rep the same statuses as an admin", async () => {
  const { admin, addMember } = await createWorkspace();
  const rep = await addMember("rep");
  await admin.api.post("/users", { email: freshEmail(), first_name: "Ina", last_name: "Vited" });
  const [seen, known] = await Promise.all([rep.api.get("/users"), admin.api.get("/users")]);
  assertEquals(seen.body, known.body);
});
