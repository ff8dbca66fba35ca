/**
 * The types of the bindings for TanStack Query. `deno check` and the tests of the package compile
 * them. The calls are never sent.
 */
import {
  type InfiniteData,
  InfiniteQueryObserver,
  MutationObserver,
  type QueryClient,
  QueryObserver,
} from "@tanstack/query-core";
import type { Contact, CountedPage, Portico } from "../../client-sdk/src/mod.ts";
import { createQueries } from "../../client-sdk/src/reactQuery.ts";

type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends (<T>() => T extends Other ? 1 : 2)
  ? true
  : false;

/** Checks that a value has exactly the type `Expected`. */
function same<Expected>() {
  return <Value>(_value: Value, _check: Same<Value, Expected>) => {};
}

export async function reads(portico: Portico, cache: QueryClient): Promise<void> {
  const queries = createQueries(portico);
  const contact = queries.contacts.get(1);
  same<Contact>()(await cache.fetchQuery(contact), true);
  same<Contact | undefined>()(cache.getQueryData(contact.queryKey), true);
  same<Contact | undefined>()(new QueryObserver(cache, contact).getCurrentResult().data, true);
  const page = await cache.fetchQuery(
    queries.contacts.list({ select: ["id"], include: ["company"], count: "exact" }),
  );
  same<number>()(page.total, true);
  same<string | undefined>()(page.data[0]?.company?.name, true);
  // @ts-expect-error it was not selected
  page.data[0]?.last_name;
  // @ts-expect-error no such status
  queries.contacts.list({ due: "hot" });
  const { data } = new InfiniteQueryObserver(
    cache,
    queries.contacts.infiniteList({ count: "exact" }),
  )
    .getCurrentResult();
  same<InfiniteData<CountedPage<Contact>> | undefined>()(data, true);
}

export async function writes(portico: Portico, cache: QueryClient): Promise<void> {
  const queries = createQueries(portico);
  const update = new MutationObserver(cache, queries.contacts.update({ optimistic: true }));
  const { data, changeId } = await update.mutate({ id: 1, body: { status: "hot" } });
  same<Contact>()(data, true);
  same<string | undefined>()(changeId, true);
  // @ts-expect-error no such field
  await update.mutate({ id: 1, body: { name: "Ada" } });
  // @ts-expect-error the id is missing
  await update.mutate({ body: { status: "hot" } });
  await new MutationObserver(cache, queries.trash.empty()).mutate();
  await new MutationObserver(cache, queries.undo()).mutate("change");
}
