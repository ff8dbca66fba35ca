/** The data provider of react-admin, on the real API. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Contact, type Portico, PorticoError } from "../../client-sdk/src/mod.ts";
import { NumberedPages } from "../../client-sdk/src/numberedPages.ts";
import { createDataProvider, FormError } from "../../client-sdk/src/reactAdmin.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { exactly, present } from "../support/exactly.ts";
import { insertRows } from "../support/records.ts";
import { clientOf, newClient } from "./signedIn.ts";

async function situation() {
  const portico = await newClient();
  return { portico, provider: createDataProvider(portico) };
}

/** Creates contacts with these last names. Returns their ids. */
async function createContacts(portico: Portico, names: string[], fields = {}): Promise<number[]> {
  const ids: number[] = [];
  for (const last_name of names) {
    ids.push((await portico.contacts.create({ last_name, ...fields })).id);
  }
  return ids;
}

const byName = { field: "last_name", order: "ASC" } as const;

test("dataProvider: getList pages by number, sorts, and counts", async () => {
  const { portico, provider } = await situation();
  await createContacts(portico, ["A", "B", "C", "D", "E"]);
  const page = async (page: number, order: "ASC" | "DESC") => {
    const params = { pagination: { page, perPage: 2 }, sort: { field: "last_name", order } };
    const { data, total } = await provider.getList<Contact>("contacts", params);
    return [data.map(({ last_name }) => last_name), total];
  };
  assertEquals(await page(3, "ASC"), [["E"], 5]);
  assertEquals(await page(2, "DESC"), [["C", "B"], 5]);
  assertEquals(await page(9, "ASC"), [[], 5]);
});

test("dataProvider: getList sends one request for any page, and more only for a large one", async () => {
  const workspace = await createWorkspace();
  await insertRows(workspace, "contacts", Array(201).fill({ last_name: "Byron" }));
  const requests: string[] = [];
  const onRequest = ({ url }: { url: string }) => void requests.push(url);
  const provider = createDataProvider(await clientOf(workspace.admin, { onRequest }));
  await provider.getList("contacts", { pagination: { page: 100, perPage: 2 } });
  assertEquals(requests.length, 1);
  const { data } = await provider.getList("contacts", { pagination: { page: 1, perPage: 1_000 } });
  assertEquals([data.length, requests.length], [201, 3]);
});

test("dataProvider: a page behind the last offset is read by the cursor of the page before it", async () => {
  const { portico } = await situation();
  const ids = await createContacts(portico, ["A", "B", "C", "D", "E"]);
  const pages = new NumberedPages(portico, 2);
  const read = async (offset: number) =>
    (await pages.read<Contact>("/contacts", { sort: "id" }, { offset, size: 2 })).data
      .map(({ id }) => id);
  await assertRejects(() => read(4), RangeError, "Pages by number end at record 2.");
  assertEquals([await read(2), await read(4)], [ids.slice(2, 4), ids.slice(4)]);
});

test("dataProvider: getList without a total tells whether pages follow", async () => {
  const { portico } = await situation();
  await createContacts(portico, ["A", "B", "C"]);
  const provider = createDataProvider(portico, { count: "none" });
  const page = async (page: number) =>
    (await provider.getList("contacts", { pagination: { page, perPage: 2 } })).pageInfo;
  assertEquals(await page(1), { hasNextPage: true, hasPreviousPage: false });
  assertEquals(await page(2), { hasNextPage: false, hasPreviousPage: true });
  const meta = { count: "estimated" } as const;
  assertEquals((await provider.getList("contacts", { meta })).total, 3);
});

test("dataProvider: filters are conditions, ranges, choices and words", async () => {
  const { portico, provider } = await situation();
  const { id: tag } = await portico.tags.create({ name: "vip", color: "#eddcd2" });
  const [hot] = await createContacts(portico, ["Lovelace"], { status: "hot", tags: [tag] });
  await createContacts(portico, ["Byron"], { status: "cold", title: "Lord" });
  const names = async (filter: Record<string, unknown>) => {
    const { data } = await provider.getList<Contact>("contacts", { filter, sort: byName });
    return data.map(({ last_name }) => last_name).join();
  };
  assertEquals(await names({ status: "hot" }), "Lovelace");
  assertEquals(await names({ status: ["hot", "cold"], title: "" }), "Byron,Lovelace");
  assertEquals(await names({ tags: [tag] }), "Lovelace");
  assertEquals(await names({ tags: [] }), "Byron,Lovelace");
  assertEquals(await names({ title: null }), "Lovelace");
  assertEquals(await names({ "last_name@ilike": "by*" }), "Byron");
  assertEquals(await names({ last_name: { gte: "C", lt: "" } }), "Lovelace");
  assertEquals(await names({ id: { gt: hot } }), "Byron");
  assertEquals(await names({ q: "love" }), "Lovelace");
});

test("dataProvider: getOne, getMany and getManyReference read records, with meta", async () => {
  const { portico, provider } = await situation();
  const company = await portico.companies.create({ name: "Acme" });
  const ids = await createContacts(portico, ["A", "B"], { company_id: company.id });
  const [first, second] = exactly(2, ids);
  await createContacts(portico, ["C"]);
  const one = await provider.getOne<Contact>("contacts", {
    id: String(first),
    meta: { include: ["company"] },
  });
  assertEquals([one.data.id, one.data.company?.name], [first, "Acme"]);
  const many = await provider.getMany("contacts", {
    ids: [second, first, 2 ** 40],
    meta: { select: ["last_name"] },
  });
  assertEquals(many.data as unknown[], [
    { id: first, last_name: "A" },
    { id: second, last_name: "B" },
  ]);
  const references = await provider.getManyReference<Contact>("contacts", {
    target: "company_id",
    id: company.id,
    pagination: { page: 2, perPage: 1 },
    sort: byName,
    filter: {},
  });
  assertEquals([references.data.map(({ id }) => id), references.total], [[second], 2]);
});

test("dataProvider: getMany reads more ids than one request takes", async () => {
  const { portico, provider } = await situation();
  const ids = await createContacts(portico, ["A"]);
  const others = Array.from({ length: 450 }, (_, index) => 2 ** 40 + index);
  const { data } = await provider.getMany("contacts", { ids: [...others, ...ids] });
  assertEquals(data.map(({ id }) => id), ids);
});

test("dataProvider: create and update take whole records, and send what has changed", async () => {
  const { provider } = await situation();
  const { data: created } = await provider.create<Contact>("contacts", {
    data: { last_name: "Byron" },
  });
  const { data } = await provider.update<Contact>("contacts", {
    id: created.id,
    data: { ...created, last_name: "Lovelace" },
    previousData: created,
  });
  assertEquals([data.id, data.last_name], [created.id, "Lovelace"]);
  const same = await provider.update<Contact>("contacts", {
    id: data.id,
    data,
    previousData: data,
  });
  assertEquals(same.data.updated_at, data.updated_at);
});

test("dataProvider: an update of a field that another user has changed is refused", async () => {
  const { portico, provider } = await situation();
  const { data: read } = await provider.create<Contact>("contacts", {
    data: { last_name: "Byron", title: "Lady" },
  });
  await portico.contacts.update(read.id, { title: "Countess" });
  const update = (change: object) =>
    provider.update<Contact>("contacts", {
      id: read.id,
      data: { ...read, ...change },
      previousData: read,
    });
  const { data } = await update({ last_name: "Lovelace" });
  assertEquals([data.last_name, data.title], ["Lovelace", "Countess"]);
  const error = await assertRejects(() => update({ title: "Duchess" }), PorticoError);
  assertEquals(error.code, "precondition_failed");
  const deletion = () => provider.delete("contacts", { id: read.id, previousData: read });
  assertEquals((await assertRejects(deletion, PorticoError)).code, "precondition_failed");
  assertEquals((await portico.contacts.get(read.id)).title, "Countess");
});

test("dataProvider: errors of fields are those of a form, other errors keep their status", async () => {
  const { provider } = await situation();
  const data = { email_jsonb: [{ email: "no address" }] };
  const error = await assertRejects(() => provider.create("contacts", { data }), FormError);
  const { root, ...errors } = error.body.errors;
  assertEquals([error.status, Object.keys(errors)], [422, ["email_jsonb.0.email"]]);
  assertEquals(root, { serverError: error.message });
  const missing = () => provider.getOne("contacts", { id: 2 ** 40 });
  assertEquals((await assertRejects(missing, PorticoError)).status, 404);
});

test("dataProvider: delete answers the record, and its change can be undone", async () => {
  const { portico, provider } = await situation();
  const { data: record } = await provider.create<Contact>("contacts", {
    data: { last_name: "Byron" },
  });
  const { data } = await provider.delete<Contact>("contacts", {
    id: record.id,
    previousData: record,
  });
  assertEquals(data, record);
  const changeId = present(provider.changeOf("contacts", record.id), "change");
  assert((await provider.undo(changeId)).change_id);
  assertEquals((await portico.contacts.get(record.id)).last_name, "Byron");
  assertEquals(provider.changeOf("contacts", 0), undefined);
});

test("dataProvider: updateMany and deleteMany are one change where the API has bulk requests", async () => {
  const { portico, provider } = await situation();
  const ids = await createContacts(portico, ["A", "B", "C"]);
  await provider.updateMany("contacts", { ids, data: { status: "hot" } });
  assertEquals((await provider.deleteMany("contacts", { ids })).data, ids);
  const changes = new Set(ids.map((id) => provider.changeOf("contacts", id)));
  assertEquals(changes.size, 1);
  await provider.undo(present([...changes][0], "change"));
  const { data } = await portico.contacts.list({ status: "hot" });
  assertEquals(data.length, 3);
});

test("dataProvider: updateMany and deleteMany write one by one where it has none", async () => {
  const { portico, provider } = await situation();
  const tags = await Promise.all(
    ["a", "b"].map((name) => portico.tags.create({ name, color: "#eddcd2" })),
  );
  const ids = tags.map(({ id }) => id);
  await provider.updateMany("tags", { ids, data: { color: "#c4bbd8" } });
  const colors = (await portico.tags.list()).data.map(({ color }) => color);
  assertEquals(colors, ["#c4bbd8", "#c4bbd8"]);
  await provider.deleteMany("tags", { ids });
  assertEquals((await portico.tags.list()).data, []);
});

test("dataProvider: a request that is cancelled ends", async () => {
  const { provider } = await situation();
  const signal = AbortSignal.abort(new Error("left the page"));
  await assertRejects(() => provider.getList("contacts", { signal }), Error, "left the page");
});
