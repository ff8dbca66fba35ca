/** The bindings for TanStack Query, on its own cache and the real API. */
import {
  InfiniteQueryObserver,
  MutationObserver,
  QueryClient,
  QueryObserver,
} from "@tanstack/query-core";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { waitUntil } from "../../dev/process.ts";
import { PorticoError } from "../../client-sdk/src/mod.ts";
import { createQueries } from "../../client-sdk/src/reactQuery.ts";
import { createWorkspace, test } from "../support/workspace.ts";

import { present } from "../support/exactly.ts";
import { clientOf, newClient } from "./signedIn.ts";

/** A client, its options, and an empty cache. */
async function situation() {
  const portico = await newClient();
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return { portico, cache, queries: createQueries(portico) };
}

test("queries: a query reads, and its key gives the typed data", async () => {
  const { portico, cache, queries } = await situation();
  const { id } = await portico.contacts.create({ last_name: "Lovelace" });
  const options = queries.contacts.get(id, { include: ["company"] });
  const contact = await cache.fetchQuery(options);
  assertEquals([contact.last_name, contact.company], ["Lovelace", null]);
  assertEquals(cache.getQueryData(options.queryKey)?.last_name, "Lovelace");
  assertEquals(options.queryKey, ["portico", "contacts", "get", id, { include: ["company"] }]);
  assertEquals(queries.contacts.list().queryKey, ["portico", "contacts", "list"]);
});

test("queries: a query that is cancelled aborts its request", async () => {
  const { cache, queries } = await situation();
  const { promise, resolve } = Promise.withResolvers<AbortSignal>();
  const options = queries.changes.list({ after: "now", wait: 20 });
  const fetched = cache.fetchQuery({
    ...options,
    queryFn: ({ signal }) => {
      resolve(signal);
      return options.queryFn({ signal });
    },
  });
  const signal = await promise;
  await cache.cancelQueries({ queryKey: queries.changes.key });
  await assertRejects(() => fetched);
  assert(signal.aborted);
});

test("queries: infinite lists read one page after the other, to the end", async () => {
  const { portico, cache, queries } = await situation();
  for (const last_name of ["A", "B", "C"]) await portico.contacts.create({ last_name });
  const list = queries.contacts.infiniteList({ sort: "last_name", limit: 2, count: "exact" });
  const observer = new InfiniteQueryObserver(cache, list);
  const end = observer.subscribe(() => {});
  assert(await waitUntil(() => observer.getCurrentResult().isSuccess, 30_000));
  const { data, hasNextPage } = await observer.fetchNextPage();
  end();
  const names = data?.pages.map((page) => page.data.map(({ last_name }) => last_name));
  assertEquals([names, hasNextPage], [[["A", "B"], ["C"]], false]);
  assertEquals(data?.pages.map(({ total }) => total), [3, 3]);
  cache.clear();
});

test("queries: a mutation outdates every query, and refetches those on screen", async () => {
  const { cache, queries } = await situation();
  const list = new QueryObserver(cache, queries.contacts.list());
  const end = list.subscribe(() => {});
  assert(await waitUntil(() => list.getCurrentResult().isSuccess, 30_000));
  const create = new MutationObserver(cache, queries.contacts.create());
  const { data, changeId } = await create.mutate({ body: { last_name: "Byron" } });
  assert(changeId);
  assert(await waitUntil(() => list.getCurrentResult().data?.data[0]?.id === data.id, 30_000));
  end();
  cache.clear();
});

test("queries: a mutation can outdate chosen queries only", async () => {
  const { cache, queries } = await situation();
  await cache.fetchQuery(queries.tags.list());
  await cache.fetchQuery(queries.contacts.list());
  const settings = { invalidates: [queries.contacts.key] };
  const create = new MutationObserver(cache, queries.contacts.create(settings));
  await create.mutate({ body: { last_name: "Byron" } });
  const isOutdated = (key: readonly unknown[]) => cache.getQueryState(key)?.isInvalidated;
  assertEquals(
    [queries.contacts.list().queryKey, queries.tags.list().queryKey].map(isOutdated),
    [true, false],
  );
  cache.clear();
});

test("queries: an optimistic update shows in the record and in lists before the answer", async () => {
  const { portico, cache, queries } = await situation();
  const { id } = await portico.contacts.create({ last_name: "Byron" });
  await portico.contacts.create({ last_name: "Other" });
  const record = queries.contacts.get(id);
  const list = queries.contacts.list({ sort: "id", count: "exact" });
  const pages = queries.contacts.infiniteList({ sort: "id" });
  await Promise.all([cache.fetchQuery(record), cache.fetchQuery(list)]);
  await cache.fetchInfiniteQuery(pages);
  const update = queries.contacts.update({ optimistic: true });
  const names: (string | null | undefined)[] = [];
  const mutation = new MutationObserver(cache, {
    ...update,
    mutationFn: (variables) => {
      names.push(
        cache.getQueryData(record.queryKey)?.last_name,
        cache.getQueryData(list.queryKey)?.data[0]?.last_name,
        cache.getQueryData(pages.queryKey)?.pages[0]?.data[0]?.last_name,
        cache.getQueryData(list.queryKey)?.data[1]?.last_name,
      );
      return update.mutationFn(variables);
    },
  });
  await mutation.mutate({ id, body: { last_name: "Lovelace" } });
  assertEquals(names, ["Lovelace", "Lovelace", "Lovelace", "Other"]);
  assert(cache.getQueryState(list.queryKey)?.isInvalidated);
  assertEquals((await portico.contacts.get(id)).last_name, "Lovelace");
  cache.clear();
});

test("queries: a refused optimistic deletion gives the lists their record back", async () => {
  const workspace = await createWorkspace();
  const admin = await clientOf(workspace.admin);
  const { id } = await admin.contacts.create({ last_name: "Byron" });
  const queries = createQueries(await clientOf(await workspace.addMember("rep")));
  const cache = new QueryClient();
  const list = queries.contacts.list({ count: "exact" });
  await cache.fetchQuery(list);
  const remove = queries.contacts.delete({ optimistic: true });
  let during: unknown;
  const mutation = new MutationObserver(cache, {
    ...remove,
    mutationFn: (variables) => {
      const page = cache.getQueryData(list.queryKey);
      during = [page?.data, page?.total];
      return remove.mutationFn(variables);
    },
  });
  const error = await assertRejects(() => mutation.mutate({ id }), PorticoError);
  const after = cache.getQueryData(list.queryKey);
  assertEquals([error.status, during], [403, [[], 0]]);
  assertEquals([after?.data[0]?.id, after?.total], [id, 1]);
  cache.clear();
});

test("queries: undo takes the change of a mutation", async () => {
  const { portico, cache, queries } = await situation();
  const { id } = await portico.contacts.create({ last_name: "Byron" });
  const remove = new MutationObserver(cache, queries.contacts.delete({ optimistic: true }));
  const { changeId } = await remove.mutate({ id });
  const undo = new MutationObserver(cache, queries.undo());
  const { data } = await undo.mutate(present(changeId, "change"));
  assert(data.change_id);
  assertEquals((await portico.contacts.get(id)).last_name, "Byron");
  cache.clear();
});
