/** imports: what Portico exports, the sample of Atomic CRM, and records that refer to others. */
import { assertEquals } from "@std/assert";
import { createWorkspace, test, type TestMember } from "../../support/workspace.ts";
import { countsOf, csv, importFile } from "./importing.ts";

async function exportOf({ api }: TestMember, resource: string): Promise<string> {
  const { status, body } = await api.get(`/${resource}?format=csv`);
  assertEquals(status, 200);
  return body;
}

/** The export without the ids, which a new record has new. */
function withoutIds(text: string): string[] {
  return text.split("\r\n").map((line) =>
    line.replace(/^\d+,/, "").replace(/,\d{1,15}(?=,\d{1,15},)/g, "")
  )
    .map((line) => line.replace(/\b\d{1,15}(?=,)/g, "#"));
}

async function empty({ api }: TestMember, resource: string): Promise<void> {
  const { body } = await api.get(`/${resource}?limit=200&select=id`);
  const ids = body.data.map(({ id }: { id: number }) => id);
  assertEquals((await api.post(`/${resource}/bulk`, { ids, delete: true })).status, 200);
}

test("imports read what contacts export, and export the same again", async () => {
  const { admin } = await createWorkspace();
  const content = csv(
    "First name,Last name,Email,email_home,Mobile,Company,Tags,Newsletter,Notes,First seen",
    'Ada,Lovelace,"a@example.com, b@example.com",c@example.com,+44 20 7946 0001,Engines,"a, b",true,' +
      '"Two\nlines, and ""quotes""",2026-01-02T03:04:05.678901Z',
    "'=Formula,'-1,,,,,,,'@note,",
    'Grace,,grace@example.com,,"020 7946 0001; 020 7946 0002",,,false,,',
  );
  await importFile(admin, { content });
  const exported = await exportOf(admin, "contacts");
  await empty(admin, "contacts");
  const done = await importFile(admin, { content: exported });
  assertEquals(countsOf(done), { created: 3, updated: 0, skipped: 0, rejected: 0 });
  const again = await exportOf(admin, "contacts");
  assertEquals(withoutIds(again), withoutIds(exported));
  const same = await importFile(admin, { content: again, policy: "update" });
  assertEquals(countsOf(same), { created: 0, updated: 0, skipped: 3, rejected: 0 });
});

test("imports of all exports of a workspace restore their relations in another one", async () => {
  const [from, to] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { api } = from.admin;
  const company = (await api.post("/companies", { name: "Engines", size: 50 })).body;
  const contact = (await api.post("/contacts", { first_name: "Ada", company_id: company.id })).body;
  await api.post("/deals", {
    name: "Offer",
    stage: "opportunity",
    company_id: company.id,
    amount: 7,
  });
  await api.post("/tasks", { contact_id: contact.id, text: "Call", type: "call" });
  for (const record_type of ["companies", "contacts", "deals", "tasks"]) {
    const content = await exportOf(from.admin, record_type);
    for (const counts of [{ created: 1, skipped: 0 }, { created: 0, skipped: 1 }]) {
      const done = await importFile(to.admin, { record_type, content, source: "other" });
      assertEquals(countsOf(done), { updated: 0, rejected: 0, ...counts }, record_type);
    }
  }
  const [task] = (await to.admin.api.get("/tasks?include=contact")).body.data;
  assertEquals([task.contact.first_name, task.contact.company_name], ["Ada", "Engines"]);
});

test("imports find records by external id, and merging gives the ids to the winner", async () => {
  const { admin } = await createWorkspace();
  const content = (name: string) => csv("Record ID,First name", `4711,${name}`, "4712,Grace");
  const options = { source: "hubspot", policy: "update" };
  await importFile(admin, { content: content("Ada"), ...options });
  const done = await importFile(admin, { content: content("Augusta"), ...options });
  assertEquals(countsOf(done), { created: 0, updated: 1, skipped: 1, rejected: 0 });
  const [ada, grace] = (await admin.api.get("/contacts?sort=id")).body.data;
  assertEquals(ada.external_ids, [{ source: "hubspot", id: "4711" }]);
  const merged = await admin.api.post(`/contacts/${ada.id}/merge`, { loser_ids: [grace.id] });
  assertEquals(merged.body.winner.external_ids.length, 2);
  const taken = await admin.api.post("/contacts", { external_ids: grace.external_ids });
  assertEquals([taken.status, taken.body.code], [409, "conflict"]);
  const after = await importFile(admin, { content: content("Augusta"), source: "hubspot" });
  assertEquals(countsOf(after), { created: 0, updated: 0, skipped: 2, rejected: 0 });
});

test("imports do not take the ids of another system for their own", async () => {
  const { admin } = await createWorkspace();
  const [ada] = [(await admin.api.post("/contacts", { first_name: "Ada" })).body];
  const content = csv("id,First name,Title", `${ada.id},Grace,Admiral`);
  const done = await importFile(admin, { content, policy: "update" });
  assertEquals(done.created_count, 1);
  assertEquals((await admin.api.get(`/contacts/${ada.id}`)).body.title, null);
  const trusted = await importFile(admin, { content, policy: "update", match_on: ["id"] });
  assertEquals(trusted.updated_count, 1);
  assertEquals((await admin.api.get(`/contacts/${ada.id}`)).body.first_name, "Grace");
});

test("imports read a file of Atomic CRM, twice without doubling, and undo it", async () => {
  const { admin } = await createWorkspace();
  const content = await Deno.readTextFile(
    new URL("../../../examples/contacts.csv", import.meta.url),
  );
  const done = await importFile(admin, { content });
  assertEquals(countsOf(done), { created: 500, updated: 0, skipped: 0, rejected: 0 });
  const again = await importFile(admin, { content });
  assertEquals(countsOf(again), { created: 0, updated: 0, skipped: 500, rejected: 0 });
  const undone = await admin.api.post(`/imports/${done.id}/undo`, {});
  assertEquals(undone.body.complete, true);
  for (const path of ["/contacts", "/companies", "/tags"]) {
    assertEquals((await admin.api.get(path)).body.data, [], path);
  }
});

test("imports with the policy create give an id of another system to one record only", async () => {
  const { admin } = await createWorkspace();
  const content = csv("Record ID,First name", "1,Ada", "1,Grace");
  const options = { content, source: "hubspot", policy: "create" };
  for (const ids of [[1, 0], [1, 0, 0, 0]]) {
    const done = await importFile(admin, options);
    assertEquals(countsOf(done), { created: 2, updated: 0, skipped: 0, rejected: 0 });
    const { data } = (await admin.api.get("/contacts?sort=id")).body;
    const counts = data.map(({ external_ids }: { external_ids: unknown[] | null }) =>
      external_ids?.length ?? 0
    );
    assertEquals(counts, ids);
  }
});
