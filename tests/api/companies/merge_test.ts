/** companies.merge: values, the records that follow, permissions, repetition and undo. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn, insertRow, insertRows, rowOf } from "../../support/records.ts";
import { createWorkspace, sql, test, type Workspace } from "../../support/workspace.ts";

/** A winner and two losers, each with a contact and a deal. */
async function prepare(workspace: Workspace) {
  const ids = await insertRows(workspace, "companies", [
    { name: "Acme", website: "", city: "Paris", context_links: ["https://a.example"] },
    { name: "Acme Ltd", website: "https://acme.example", sector: "tools" },
    { name: "ACME", sector: "other", context_links: ["https://A.example", "https://b.example"] },
  ]);
  const contacts = await insertRows(
    workspace,
    "contacts",
    ids.map((company_id) => ({ company_id })),
  );
  const deals = await insertRows(
    workspace,
    "deals",
    ids.map((company_id) => ({ name: "deal", stage: "won", company_id })),
  );
  const [winner, ...loser_ids] = ids;
  return { winner, loser_ids, contacts, deals };
}

test("companies.merge fills blanks, unites links, and moves contacts and deals to the winner", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids, contacts, deals } = await prepare(workspace);
  const { status, body, headers } = await workspace.admin.api.post(
    `/companies/${winner}/merge`,
    { loser_ids },
  );
  assertEquals(status, 200, JSON.stringify(body));
  assertEquals(body.merge_id, headers.get("Portico-Change"));
  assertEquals([body.merged_ids, body.dry_run], [loser_ids, false]);
  assertEquals([body.moved.contacts, body.moved.deals], [2, 2]);
  const { name, website, city, sector, context_links, nb_contacts, nb_deals } = body.winner;
  assertEquals({ name, website, city, sector, context_links, nb_contacts, nb_deals }, {
    name: "Acme",
    website: "https://acme.example",
    city: "Paris",
    sector: "tools",
    context_links: ["https://a.example", "https://b.example"],
    nb_contacts: 3,
    nb_deals: 3,
  });
  for (const [table, ids] of [["contacts", contacts], ["deals", deals]] as const) {
    for (const id of ids) assertEquals((await rowOf(table, id))?.company_id, winner);
  }
});

test("companies.merge takes the values that fields names, and refuses a company that takes no part", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids: [one, two] } = await prepare(workspace);
  const path = `/companies/${winner}/merge`;
  const wrong = await workspace.admin.api.post(path, { loser_ids: [one], fields: { name: two } });
  assertProblem(wrong, 422, "validation_failed");
  assertEquals(Object.keys(wrong.body.errors), ["fields.name"]);
  const request = { loser_ids: [one, two], fields: { name: one, sector: two } };
  const before = await everythingIn(workspace.id);
  const dry = await workspace.admin.api.post(path, { ...request, dry_run: true });
  assertEquals([dry.status, dry.body.merge_id, dry.body.dry_run], [200, null, true]);
  assertEquals(await everythingIn(workspace.id), before);
  const { body } = await workspace.admin.api.post(path, request);
  assertEquals([body.winner.name, body.winner.sector], ["Acme Ltd", "other"]);
  assertEquals(dry.body.moved, body.moved);
});

test("companies.merge answers a repetition alike, and a loser answers 410 or leads to the winner", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const { winner, loser_ids } = await prepare(workspace);
  const first = await api.post(`/companies/${winner}/merge`, { loser_ids });
  const before = await everythingIn(workspace.id);
  const again = await api.post(`/companies/${winner}/merge`, { loser_ids: loser_ids.toReversed() });
  assertEquals([again.status, again.body.merge_id], [200, first.body.merge_id]);
  assertEquals(again.body.moved, first.body.moved);
  assertEquals(await everythingIn(workspace.id), before);
  const gone = await api.get(`/companies/${loser_ids[0]}`);
  assertProblem(gone, 410, "merged");
  assertEquals(gone.body.merged_into, winner);
  const followed = await api.get(`/companies/${loser_ids[0]}?follow_merged=true&include=owner`);
  assertEquals([followed.status, followed.body.id], [200, winner]);
  assertEquals(followed.headers.get("Content-Location"), `../companies/${winner}`);
  const same = await api.get(`/companies/${winner}?follow_merged=true`);
  assertEquals([same.status, same.headers.get("Content-Location")], [200, null]);
  assertProblem(await api.post(`/companies/${loser_ids[0]}/restore`), 410, "merged");
});

test("companies.merge is for owners and managers, and knows no company of another workspace", async () => {
  const workspace = await createWorkspace();
  const { winner, loser_ids } = await prepare(workspace);
  const rep = await workspace.addMember("rep");
  const foreign = await insertRow(await createWorkspace(), "companies", { name: "Acme" });
  const before = await everythingIn(workspace.id);
  const path = `/companies/${winner}/merge`;
  assertProblem(await rep.api.post(path, { loser_ids }), 403, "forbidden");
  const missing = await workspace.admin.api.post(path, { loser_ids: [foreign] });
  assertProblem(missing, 404, "not_found");
  assertEquals(missing.body.missing_ids, [foreign]);
  const itself = await workspace.admin.api.post(path, { loser_ids: [winner] });
  assertProblem(itself, 422, "self_merge");
  assertEquals(await everythingIn(workspace.id), before);
  const own = await insertRows(workspace, "companies", [
    { name: "A", sales_id: rep.id },
    { name: "B", sales_id: rep.id },
  ]);
  const merged = await rep.api.post(`/companies/${own[0]}/merge`, { loser_ids: [own[1]] });
  assertEquals(merged.status, 200, JSON.stringify(merged.body));
});

test("changes.undo takes back a merge of companies, and a chain of merges", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const { winner, loser_ids: [one, two], contacts, deals } = await prepare(workspace);
  const comparable = async () =>
    await sql`
      select 'contact' as kind, id, company_id from public.contacts
      where workspace_id = ${workspace.id}
      union all
      select 'deal', id, company_id from public.deals where workspace_id = ${workspace.id}
      union all
      select name || coalesce(sector, '') || coalesce(context_links::text, ''), id, null
      from public.companies where workspace_id = ${workspace.id}
      order by 1, 2`;
  const before = await comparable();
  const first = await api.post(`/companies/${one}/merge`, { loser_ids: [two] });
  const between = await comparable();
  const second = await api.post(`/companies/${winner}/merge`, { loser_ids: [one] });
  assertEquals((await api.get(`/companies/${two}`)).body.merged_into, winner);
  const after = await comparable();
  const undo = await api.post(`/changes/${second.body.merge_id}/undo`, {});
  assertEquals(undo.status, 200, JSON.stringify(undo.body));
  assertEquals(await comparable(), between);
  assertEquals((await api.post(`/changes/${first.body.merge_id}/undo`, {})).status, 200);
  assertEquals(await comparable(), before);
  assertEquals([contacts.length, deals.length], [3, 3]);
  assertEquals((await api.post(`/companies/${one}/merge`, { loser_ids: [two] })).status, 200);
  assertEquals((await api.post(`/companies/${winner}/merge`, { loser_ids: [one] })).status, 200);
  assertEquals(await comparable(), after);
});
