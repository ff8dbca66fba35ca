/**
 * Options for TanStack Query 5: query options, infinite query options and mutation options. They are
 * plain objects, which React, Vue, Solid, Svelte and Angular understand.
 *
 * The key of a query is `["portico", resource, operation, ...arguments]`.
 */
import type {
  DataTag,
  InfiniteData,
  MutationFunctionContext,
  QueryClient,
  QueryKey,
} from "@tanstack/query-core";
import type { Page, WithResponse } from "./call.ts";
import type { Resources } from "./generated/client.ts";
import type { CallOptions } from "./runtime.ts";

/** The first part of all keys. */
export const ROOT = "portico";

/** Options of a query: for `useQuery`, `prefetchQuery`, `getQueryData` … */
export interface ReadOptions<Data> {
  queryKey: DataTag<QueryKey, Data, Error>;
  queryFn: (context: { signal: AbortSignal }) => Promise<Data>;
}

/** The cursor of a page. Undefined for the first one. */
export type PageParam = string | undefined;

/** Options of an infinite query. Its data are pages. */
export interface PagesOptions<Pages> {
  queryKey: DataTag<QueryKey, InfiniteData<Pages, PageParam>, Error>;
  queryFn: (context: { signal: AbortSignal; pageParam: PageParam }) => Promise<Pages>;
  initialPageParam: PageParam;
  getNextPageParam: (page: Pages) => PageParam;
}

/** The data of a write, with the change that `undo` takes. */
export interface Written<Data> {
  data: Data;
  /** Undefined when nothing has changed. */
  changeId: string | undefined;
  /** Version of the record, for `ifMatch`. */
  etag: string | undefined;
  requestId: string | undefined;
}

/** Options of a mutation. Its variables are the arguments of the client's method, by name. */
export interface WriteOptions<Data, Variables> {
  mutationKey: QueryKey;
  mutationFn: (variables: Variables) => Promise<Written<Data>>;
  onMutate: (variables: Variables, context: MutationFunctionContext) => Promise<Snapshot>;
  onError: (
    error: Error,
    variables: Variables,
    snapshot: Snapshot | undefined,
    context: MutationFunctionContext,
  ) => void;
  onSettled: (
    data: Written<Data> | undefined,
    error: Error | null,
    variables: Variables,
    snapshot: Snapshot | undefined,
    context: MutationFunctionContext,
  ) => void;
}

/** Queries and their data before an optimistic update. */
export type Snapshot = [key: QueryKey, data: unknown][];

/** How a mutation changes the cache. */
export interface WriteSettings {
  /**
   * Shows the result of `update` and `delete` before the answer: in the record and in lists. When
   * the request is refused, the cache gets its data back. Default: false.
   */
  optimistic?: boolean | undefined;
  /**
   * Keys of the queries that are outdated after the write. Default: all of Portico, since a write
   * changes counts, searches, activity and history of other records as well.
   */
  invalidates?: readonly QueryKey[] | undefined;
}

type Sent<Data> = PromiseLike<Data> & { withResponse(): Promise<WithResponse<Data>> };

/** Options of one resource. */
export class ResourceQueries {
  /** Key of all queries of the resource, for `invalidateQueries` and `removeQueries`. */
  readonly key: QueryKey;
  protected readonly api: Resources;

  constructor(api: Resources, name: string) {
    this.api = api;
    this.key = [ROOT, name];
  }

  protected read<Data>(
    operation: string,
    values: readonly unknown[],
    call: (options: CallOptions) => PromiseLike<Data>,
  ): ReadOptions<Data> {
    return {
      queryKey: this.#tagged<Data>(operation, values),
      queryFn: async ({ signal }) => await call({ signal }),
    };
  }

  protected pages<Query extends object | undefined, Pages extends Page<unknown>>(
    operation: string,
    path: readonly unknown[],
    query: Query,
    call: (query: Query, options: CallOptions) => PromiseLike<Pages>,
  ): PagesOptions<Pages> {
    // A feed goes on with another parameter.
    const name = query && "after" in query ? "after" : "cursor";
    return {
      queryKey: this.#tagged<InfiniteData<Pages, PageParam>>(operation, [...path, query]),
      queryFn: async ({ signal, pageParam }) =>
        await call(
          pageParam === undefined ? query : { ...query, offset: undefined, [name]: pageParam },
          { signal },
        ),
      initialPageParam: undefined,
      getNextPageParam: ({ next_cursor, has_more }) =>
        has_more === false ? undefined : next_cursor ?? undefined,
    };
  }

  protected write<Data, Variables>(
    operation: string,
    call: (variables: Variables) => Sent<Data>,
    { invalidates = [[ROOT]] }: WriteSettings = {},
  ): WriteOptions<Data, Variables> {
    return {
      mutationKey: [...this.key, operation],
      mutationFn: async (variables) => {
        const { data, changeId, etag, requestId } = await call(variables).withResponse();
        return { data, changeId, etag, requestId };
      },
      onMutate: () => Promise.resolve([]),
      onError: () => {},
      onSettled: (_data, _error, _variables, _snapshot, { client }) => {
        for (const queryKey of invalidates) void client.invalidateQueries({ queryKey });
      },
    };
  }

  #tagged<Data>(operation: string, values: readonly unknown[]) {
    const given = values.at(-1) === undefined ? values.slice(0, -1) : values;
    // The tag exists only in the type.
    return [...this.key, operation, ...given] as readonly unknown[] as ReadOptions<
      Data
    >["queryKey"];
  }
}

/** A record in the cache. */
type Cached = Record<string, unknown>;
/** Returns a record as it will be, or undefined when it will be gone. */
type Change = (record: Cached) => Cached | undefined;

/** Options of a resource whose records are changed and deleted one by one. */
export class RecordQueries extends ResourceQueries {
  protected updateRecord<Data, Variables extends { id: number | string; body: object }>(
    operation: string,
    call: (variables: Variables) => Sent<Data>,
    settings?: WriteSettings,
  ): WriteOptions<Data, Variables> {
    const options = this.write(operation, call, settings);
    return this.#optimistic(options, settings, ({ body }) => (record) => ({ ...record, ...body }));
  }

  protected deleteRecord<Data, Variables extends { id: number | string }>(
    operation: string,
    call: (variables: Variables) => Sent<Data>,
    settings?: WriteSettings,
  ): WriteOptions<Data, Variables> {
    const options = this.write(operation, call, settings);
    return this.#optimistic(options, settings, () => () => undefined);
  }

  #optimistic<Data, Variables extends { id: number | string }>(
    options: WriteOptions<Data, Variables>,
    settings: WriteSettings | undefined,
    changeOf: (variables: Variables) => Change,
  ): WriteOptions<Data, Variables> {
    if (!settings?.optimistic) return options;
    return {
      ...options,
      onMutate: async (variables, { client }) => {
        // An answer that is on its way would overwrite the change.
        await client.cancelQueries({ queryKey: this.key });
        return changeCache(client, this.key, variables.id, changeOf(variables));
      },
      onError: (_error, _variables, snapshot, { client }) => {
        for (const [key, data] of snapshot ?? []) client.setQueryData(key, data);
      },
      onSettled: (data, error, variables, snapshot, context) => {
        // The answers would show the record without the changes that still run. The last one is told.
        if (context.client.isMutating({ mutationKey: this.key }) > 1) return;
        options.onSettled(data, error, variables, snapshot, context);
      },
    };
  }
}

/** The operations whose data are records of the resource itself. */
const RECORDS = ["get", "list", "infiniteList"];

/** Changes a record in all queries of a resource. Returns what they had before. */
function changeCache(
  client: QueryClient,
  queryKey: QueryKey,
  id: number | string,
  change: Change,
): Snapshot {
  const snapshot: Snapshot = [];
  for (const [key, data] of client.getQueriesData({ queryKey })) {
    if (!RECORDS.includes(String(key[2]))) continue;
    const changed = changedData(data, (record) => record.id === id ? change(record) : record);
    if (changed === data) continue;
    snapshot.push([key, data]);
    client.setQueryData(key, changed);
  }
  return snapshot;
}

/** Returns the data of a query after a change: pages, a page or a record. */
function changedData(data: unknown, change: Change): unknown {
  if (typeof data !== "object" || data === null) return data;
  if ("pages" in data && Array.isArray(data.pages)) {
    return { ...data, pages: data.pages.map((page) => changedData(page, change)) };
  }
  if (!("data" in data) || !Array.isArray(data.data)) return change({ ...data }) ?? data;
  const records = data.data.flatMap((record: Cached) => change(record) ?? []);
  const removed = data.data.length - records.length;
  const counted = "total" in data && typeof data.total === "number";
  return { ...data, data: records, ...(counted && { total: Number(data.total) - removed }) };
}
