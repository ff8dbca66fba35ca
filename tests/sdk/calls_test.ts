/** The SDK's calls on the real API: records, versions, pages. */
import { assertEquals, assertExists, assertRejects } from "@std/assert";
import { createClient, PorticoError } from "../../client-sdk/src/mod.ts";
import { stack, test } from "../support/workspace.ts";
import { newClient } from "./signedIn.ts";

test("sdk: a contact is created, read, changed, deleted and restored", async () => {
  const portico = await newClient();
  const created = await portico.contacts.create({ first_name: "Ada", last_name: "Lovelace" });
  assertEquals((await portico.contacts.get(created.id)).last_name, "Lovelace");
  const changed = await portico.contacts.update(created.id, { status: "hot" });
  assertEquals([changed.first_name, changed.status], ["Ada", "hot"]);
  assertEquals(await portico.contacts.delete(created.id), undefined);
  const gone = await assertRejects(
    async () => await portico.contacts.get(created.id),
    PorticoError,
  );
  assertEquals([gone.status, gone.code], [410, "deleted"]);
  assertEquals((await portico.contacts.restore(created.id)).id, created.id);
});

test("sdk: merge with dry_run shows the result, and without it merges", async () => {
  const portico = await newClient();
  const winner = await portico.contacts.create({ first_name: "Ada" });
  const loser = await portico.contacts.create({ first_name: "Ada", title: "Countess" });
  const input = { loser_ids: [loser.id] };
  const shown = await portico.contacts.merge(winner.id, { ...input, dry_run: true });
  assertEquals([shown.dry_run, shown.winner.title], [true, "Countess"]);
  assertEquals((await portico.contacts.get(winner.id)).title, null);
  const done = await portico.contacts.merge(winner.id, input);
  assertEquals(done.merged_ids, [loser.id]);
});

test("sdk: withResponse gives the etag, and ifMatch refuses an outdated version", async () => {
  const portico = await newClient();
  const { id } = await portico.contacts.create({ first_name: "Ada" });
  const { data, etag, requestId, response } = await portico.contacts.get(id).withResponse();
  assertExists(requestId);
  assertExists(etag);
  assertEquals([response.status, etag], [200, `"${data.updated_at}"`]);
  await portico.contacts.update(id, { title: "first" }, { ifMatch: etag });
  const refused = await assertRejects(
    async () => await portico.contacts.update(id, { title: "x" }, { ifMatch: data.updated_at }),
    PorticoError,
  );
  assertEquals(refused.code, "precondition_failed");
  assertEquals(refused.code === "precondition_failed" && refused.body.current.title, "first");
});

test("sdk: a list is one page when awaited, all items in a loop, and pages()", async () => {
  const portico = await newClient();
  for (const last_name of ["A", "B", "C", "D", "E"]) await portico.contacts.create({ last_name });
  const query = { limit: 2, sort: "last_name", count: "exact" } as const;
  const first = await portico.contacts.list(query);
  assertEquals([first.data.length, first.total, first.next_cursor !== null], [2, 5, true]);
  const names: (string | null)[] = [];
  for await (const contact of portico.contacts.list(query)) names.push(contact.last_name);
  assertEquals(names, ["A", "B", "C", "D", "E"]);
  const sizes: number[] = [];
  for await (const page of portico.contacts.list(query).pages()) sizes.push(page.data.length);
  assertEquals(sizes, [2, 2, 1]);
});

test("sdk: filters with operators, lists of values, select and include reach the API", async () => {
  const portico = await newClient();
  const company = await portico.companies.create({ name: 'Acme, "Sons" (UK)' });
  await portico.contacts.create({ last_name: "Cold, Jr.", status: "cold" });
  await portico.contacts.create({ last_name: "Hot", status: "hot", company_id: company.id });
  const byName = await portico.contacts.list({ last_name: { in: ["Cold, Jr.", "Nobody"] } });
  assertEquals(byName.data.map((contact) => contact.status), ["cold"]);
  const named = await portico.companies.list({ name: { in: [company.name] } });
  assertEquals(named.data.map(({ id }) => id), [company.id]);
  const without = await portico.contacts.list({ company_id: null, select: ["last_name"] });
  assertEquals(without.data, [{ last_name: "Cold, Jr." }]);
  const since = new Date(Date.now() - 60_000);
  const [hot] = (await portico.contacts.list({
    status: "hot",
    created_at: { gte: since },
    include: ["company"],
  })).data;
  assertEquals(hot?.company?.name, company.name);
});

test("sdk: operations for anyone need no token, and request() calls any address", async () => {
  const portico = createClient({ url: `${stack.functionUrl}/` });
  assertEquals((await portico.system.health()).status, "ok");
  const health = await portico.request<{ status: string }>({ method: "GET", path: "/health" });
  assertEquals(health.status, "ok");
});
