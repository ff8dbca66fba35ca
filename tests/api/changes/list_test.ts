/** GET /changes and GET /changes/{id}: what the changes of a workspace show. */
import { assertEquals } from "@std/assert";
import { dataApi } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { changeOf } from "./changeOf.ts";

test("changes.list shows one change per request, newest first, with its member", async () => {
  const { admin } = await createWorkspace();
  const company = await admin.api.post("/companies", { name: "Analytical Engines" });
  await admin.api.post("/contacts", { first_name: "Ada", company_id: company.body.id });
  await admin.api.delete(`/companies/${company.body.id}`);
  const { body } = await admin.api.get("/changes?include=member&operation@neq=sign_up");
  const own = body.data.filter(({ operation }: { operation: string | null }) => operation !== null);
  assertEquals(
    own.map(({ operation, touched }: { operation: string; touched: unknown }) => [
      operation,
      touched,
    ]),
    [
      ["companies.delete", { companies: 1, contacts: 1 }],
      ["contacts.create", { contacts: 1 }],
      ["companies.create", { companies: 1 }],
    ],
  );
  assertEquals(own[0].member.id, admin.id);
});

test("changes.list filters by operation, member, table, record and time", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const rep = await workspace.addMember("rep");
  const ada = await admin.api.post("/contacts", { first_name: "Ada" });
  const grace = await rep.api.post("/contacts", { first_name: "Grace" });
  await admin.api.post("/tags", { name: "VIP", color: "#eddcd2" });
  const ids = async (query: string) => {
    const { status, body } = await admin.api.get(`/changes?${query}`);
    assertEquals(status, 200, JSON.stringify(body));
    return body.data.map(({ id }: { id: string }) => id);
  };
  assertEquals(await ids(`record=contacts/${ada.body.id}`), [changeOf(ada)]);
  assertEquals(await ids("table=contacts"), [changeOf(grace), changeOf(ada)]);
  assertEquals(await ids(`operation=contacts.create&member_id=${rep.id}`), [changeOf(grace)]);
  assertEquals(await ids("table=contacts&created_at@lt=2020-01-01"), []);
  assertEquals((await admin.api.get("/changes?record=contacts")).body.code, "invalid_parameter");
});

test("changes.get shows the fields before and after, in the order of the entries", async () => {
  const { admin } = await createWorkspace();
  const ada = await admin.api.post("/contacts", { first_name: "Ada" });
  const renamed = await admin.api.patch(`/contacts/${ada.body.id}`, { first_name: "Augusta" });
  const { body } = await admin.api.get(`/changes/${changeOf(renamed)}`);
  const [entry, ...others] = body.records.data;
  assertEquals(others, []);
  assertEquals(entry.changes, { first_name: { before: "Ada", after: "Augusta" } });
  const list = await admin.api.get(`/changes/${changeOf(renamed)}/records`);
  assertEquals(list.body.data, body.records.data);
});

test("changes made through the Data API are changes without an operation", async () => {
  const { admin } = await createWorkspace();
  const ada = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `contacts?id=eq.${ada.body.id}`;
  assertEquals(await dataApi(admin, "PATCH", path, { first_name: "Augusta" }), 204);
  const { body } = await admin.api.get(`/changes?record=contacts/${ada.body.id}`);
  assertEquals(body.data.map(({ operation }: { operation: string | null }) => operation), [
    null,
    "contacts.create",
  ]);
  assertEquals(body.data[0].member_id, admin.id);
});

test("changes of another workspace answer 404, and none of them is listed", async () => {
  const [{ admin }, other] = [await createWorkspace(), await createWorkspace()];
  const change = changeOf(await admin.api.post("/contacts", { first_name: "Ada" }));
  for (const path of [`/changes/${change}`, `/changes/${change}/records`]) {
    assertEquals((await other.admin.api.get(path)).status, 404);
  }
  assertEquals((await other.admin.api.post(`/changes/${change}/undo`, {})).status, 404);
  const { body } = await other.admin.api.get(`/changes?id=${change}`);
  assertEquals(body.data, []);
});
