/**
 * Bindings for TanStack Query 5 (React, Vue, Solid, Svelte, Angular).
 *
 * ```ts
 * const queries = createQueries(portico);
 * const { data } = useQuery(queries.contacts.list({ status: "hot" }));
 * const { mutate } = useMutation(queries.contacts.update({ optimistic: true }));
 * mutate({ id: 12, body: { status: "warm" } });
 * ```
 */
import type { QueryKey } from "@tanstack/query-core";
import { QueriesOfResources } from "./generated/queryOptions.ts";
import type { Portico } from "./portico.ts";
import { ROOT, type WriteOptions, type WriteSettings } from "./queries.ts";
import type { Undone } from "./generated/types.ts";

/** Options of all operations of a client, for TanStack Query. */
export class PorticoQueries extends QueriesOfResources {
  /** Key of all queries. */
  readonly key: QueryKey = [ROOT];

  /** Undoes a change. The variable is `changeId` of the data of a mutation. */
  undo(settings?: WriteSettings): WriteOptions<Undone, string> {
    const { mutationFn, onSettled, ...options } = this.changes.undo(settings);
    return {
      ...options,
      mutationFn: (id) => mutationFn({ id }),
      onMutate: () => Promise.resolve([]),
      onError: () => {},
      onSettled: (data, error, id, snapshot, context) =>
        onSettled(data, error, { id }, snapshot, context),
    };
  }
}

/** Returns the options of all operations of a client. It sends nothing. */
export function createQueries(portico: Portico): PorticoQueries {
  return new PorticoQueries(portico);
}

export {
  type PageParam,
  type PagesOptions,
  type ReadOptions,
  RecordQueries,
  ResourceQueries,
  type Snapshot,
  type WriteOptions,
  type WriteSettings,
  type Written,
} from "./queries.ts";
export type * from "./generated/queryOptions.ts";
