/** The data provider of react-admin 5. */
import { PorticoError } from "./errors.ts";
import { RESOURCES } from "./generated/resources.ts";
import type { Undone } from "./generated/types.ts";
import { NumberedPages } from "./numberedPages.ts";
import type { Portico } from "./portico.ts";
import { changedFields, currentWhenFree } from "./recordChanges.ts";
import { filterOf } from "./reactAdminFilters.ts";
import type { Request } from "./runtime.ts";

/** Id of a record. From addresses of pages it is a text. */
export type Identifier = number | string;
/** A record, as far as the provider knows it. */
export interface AdminRecord {
  id: Identifier;
}

/** Options of single calls, in `meta`. */
export interface Meta {
  /** Fields to return. `id` is always one of them. */
  select?: readonly string[] | undefined;
  /** Related records to return with each record. */
  include?: readonly string[] | undefined;
  /** Instead of the provider's option. */
  count?: Count | undefined;
}

type Count = "exact" | "estimated" | "none";

interface ListParams {
  pagination?: { page: number; perPage: number } | undefined;
  sort?: { field: string; order: "ASC" | "DESC" } | undefined;
  filter?: Record<string, unknown> | undefined;
  meta?: Meta | undefined;
  signal?: AbortSignal | undefined;
}

interface ReferenceParams extends ListParams {
  /** The field that has the id. */
  target: string;
  id: Identifier;
}

interface ListResult<RecordType> {
  data: RecordType[];
  total?: number;
  pageInfo?: { hasNextPage: boolean; hasPreviousPage: boolean };
}

interface ReadParams {
  meta?: Meta | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * A data provider for react-admin, whose types fit `DataProvider` of `ra-core`. Resources have the
 * names of the API's paths: `contacts`, `contact_notes`.
 */
export type PorticoDataProvider = {
  getList<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: ListParams,
  ): Promise<ListResult<RecordType>>;
  getOne<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: ReadParams & { id: Identifier },
  ): Promise<{ data: RecordType }>;
  getMany<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: ReadParams & { ids: Identifier[] },
  ): Promise<{ data: RecordType[] }>;
  getManyReference<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: ReferenceParams,
  ): Promise<ListResult<RecordType>>;
  create<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: { data: object; meta?: Meta | undefined },
  ): Promise<{ data: RecordType }>;
  update<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: { id: Identifier; data: object; previousData?: object | undefined },
  ): Promise<{ data: RecordType }>;
  updateMany(
    resource: string,
    params: { ids: Identifier[]; data: object },
  ): Promise<{ data: Identifier[] }>;
  delete<RecordType extends AdminRecord = AdminRecord>(
    resource: string,
    params: { id: Identifier; previousData?: object | undefined },
  ): Promise<{ data: RecordType }>;
  deleteMany(
    resource: string,
    params: { ids: Identifier[] },
  ): Promise<{ data: Identifier[] }>;
  /**
   * The change that the last write of a record made through this provider, for `undo`. Undefined
   * when there was none. Records that were changed together have the same change.
   */
  changeOf(resource: string, id: Identifier): string | undefined;
  /** Undoes a change. Rejects when somebody has changed the same since, and says what. */
  undo(changeId: string): Promise<Undone>;
  supportAbortSignal: true;
};

/** Options of a data provider. */
export interface DataProviderOptions {
  /**
   * How lists count: `exact` (default), `estimated` up to 10,000, or `none`. Without a total,
   * react-admin shows the previous and the next page only.
   */
  count?: Count | undefined;
}

/** Creates a data provider of a client. */
export function createDataProvider(
  portico: Portico,
  { count = "exact" }: DataProviderOptions = {},
): PorticoDataProvider {
  const provider = new Provider(portico, count);
  return {
    getList: (resource, params) => formErrors(provider.list(resource, params, {})),
    getOne: (resource, params) => formErrors(provider.get(resource, params)),
    getMany: (resource, params) => formErrors(provider.getMany(resource, params)),
    getManyReference: (resource, { target, id, ...params }) =>
      formErrors(provider.list(resource, params, { [target]: id })),
    create: (resource, params) => formErrors(provider.create(resource, params.data)),
    update: (resource, params) => formErrors(provider.update(resource, params)),
    updateMany: (resource, { ids, data }) => formErrors(provider.writeMany(resource, ids, data)),
    delete: (resource, params) => formErrors(provider.delete(resource, params)),
    deleteMany: (resource, { ids }) => formErrors(provider.writeMany(resource, ids, undefined)),
    changeOf: (resource, id) => provider.changes.get(`${resource}/${id}`),
    undo: async (changeId) => await portico.undo(changeId),
    supportAbortSignal: true,
  };
}

/** Records of a bulk request. */
const MAXIMUM_BULK = 1_000;
/** Ids of one request of `getMany`. */
const MAXIMUM_IDS = 200;
/** Changes that are remembered. */
const MAXIMUM_CHANGES = 1_000;

/** The operations of the provider. */
class Provider {
  /** `contacts/12` → its last change. */
  readonly changes = new Map<string, string>();
  readonly #portico: Portico;
  readonly #pages: NumberedPages;
  readonly #count: Count;

  constructor(portico: Portico, count: Count) {
    this.#portico = portico;
    this.#pages = new NumberedPages(portico);
    this.#count = count;
  }

  async list<RecordType>(
    resource: string,
    { pagination = { page: 1, perPage: 25 }, sort, filter = {}, meta, signal }: ListParams,
    conditions: Record<string, unknown>,
  ): Promise<ListResult<RecordType>> {
    const { page, perPage: size } = pagination;
    const count = meta?.count ?? this.#count;
    const query = {
      ...filterOf({ ...filter, ...conditions }, RESOURCES[resource]?.ids),
      ...fieldsOf(meta),
      ...(sort && { sort: sort.order === "DESC" ? `-${sort.field}` : sort.field }),
      ...(count !== "none" && { count }),
    };
    const offset = (page - 1) * size;
    const { data, total, hasMore } = await this.#pages.read<RecordType>(
      `/${resource}`,
      query,
      { offset, size },
      { signal },
    );
    return total === undefined
      ? { data, pageInfo: { hasNextPage: hasMore, hasPreviousPage: page > 1 } }
      : { data, total };
  }

  async get<RecordType>(
    resource: string,
    { id, meta, signal }: ReadParams & { id: Identifier },
  ): Promise<{ data: RecordType }> {
    const { include } = meta ?? {};
    const path = pathOf(resource, id);
    const query = include && { include };
    const data = await this.#portico.request<RecordType>({
      ...{ method: "GET", path, query },
      options: { signal },
    });
    return { data };
  }

  async getMany<RecordType>(
    resource: string,
    { ids, meta, signal }: ReadParams & { ids: Identifier[] },
  ): Promise<{ data: RecordType[] }> {
    const pages = await Promise.all(
      parts(ids, MAXIMUM_IDS).map((part) =>
        this.#pages.read<RecordType>(
          `/${resource}`,
          { "id@in": part, sort: "id", ...fieldsOf(meta) },
          { offset: 0, size: part.length },
          { signal },
        )
      ),
    );
    return { data: pages.flatMap(({ data }) => data) };
  }

  async create<RecordType extends AdminRecord>(
    resource: string,
    body: object,
  ): Promise<{ data: RecordType }> {
    const call = this.#portico.request<RecordType>({ method: "POST", path: `/${resource}`, body });
    const { data, changeId } = await call.withResponse();
    this.#remember(resource, [data.id], changeId);
    return { data };
  }

  async update<RecordType>(
    resource: string,
    { id, data, previousData }: {
      id: Identifier;
      data: object;
      previousData?: object | undefined;
    },
  ): Promise<{ data: RecordType }> {
    const body = changedFields(data, previousData);
    const fields = Object.keys(body);
    if (fields.length === 0) return await this.get(resource, { id });
    return await this.#write(resource, id, previousData, fields, { method: "PATCH", body });
  }

  async delete<RecordType>(
    resource: string,
    { id, previousData }: { id: Identifier; previousData?: object | undefined },
  ): Promise<{ data: RecordType }> {
    const fields = Object.keys(previousData ?? {});
    await this.#write(resource, id, previousData, fields, { method: "DELETE" });
    // react-admin wants the record, of which it has the id only when it was not read before.
    return { data: { id, ...previousData } as RecordType };
  }

  /** Changes or deletes many records, in one change where the API can. */
  async writeMany(
    resource: string,
    ids: Identifier[],
    set: object | undefined,
  ): Promise<{ data: Identifier[] }> {
    if (!RESOURCES[resource]?.bulk) {
      await Promise.all(
        ids.map((id) =>
          set ? this.update(resource, { id, data: set }) : this.delete(resource, { id })
        ),
      );
      return { data: ids };
    }
    for (const part of parts(ids, MAXIMUM_BULK)) {
      const body = { ids: part.map(Number), ...(set ? { set } : { delete: true }) };
      const path = `/${resource}/bulk`;
      const { changeId } = await this.#portico.request({ method: "POST", path, body })
        .withResponse();
      this.#remember(resource, part, changeId);
    }
    return { data: ids };
  }

  /**
   * Writes a record if nobody has changed these fields since it was read. Others may have changed
   * other fields.
   */
  async #write<RecordType>(
    resource: string,
    id: Identifier,
    read: object | undefined,
    fields: string[],
    request: Pick<Request, "method" | "body">,
  ): Promise<{ data: RecordType }> {
    const send = async (ifMatch: string | undefined) => {
      const path = pathOf(resource, id);
      const call = this.#portico.request<RecordType>({ ...request, path, options: { ifMatch } });
      const { data, changeId } = await call.withResponse();
      this.#remember(resource, [id], changeId);
      return { data };
    };
    const takesVersion = RESOURCES[resource]?.ifMatch.includes(request.method) && read;
    if (!takesVersion || !("updated_at" in read)) return await send(undefined);
    try {
      return await send(String(read.updated_at));
    } catch (error) {
      const version = currentWhenFree(error, read, fields);
      if (version === undefined) throw error;
      return await send(version);
    }
  }

  #remember(resource: string, ids: Identifier[], changeId: string | undefined): void {
    if (changeId === undefined) return;
    for (const id of ids) this.changes.set(`${resource}/${id}`, changeId);
    for (const key of this.changes.keys()) {
      if (this.changes.size <= MAXIMUM_CHANGES) break;
      this.changes.delete(key);
    }
  }
}

function fieldsOf({ select, include }: Meta = {}) {
  return {
    ...(select && { select: [...new Set(["id", ...select])] }),
    ...(include && { include }),
  };
}

function pathOf(resource: string, id: Identifier): string {
  return `/${resource}/${encodeURIComponent(id)}`;
}

function parts<Item>(items: Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** An error whose `body.errors` react-admin shows at the fields of a form. */
export class FormError extends Error {
  override readonly name = "FormError";
  readonly status: number;
  readonly body: { errors: Record<string, unknown> };

  constructor(cause: PorticoError) {
    super(cause.message, { cause });
    this.status = cause.status;
    this.body = { errors: { ...cause.errors, root: { serverError: cause.message } } };
  }
}

async function formErrors<Result>(result: Promise<Result>): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    const isOfFields = error instanceof PorticoError && Object.keys(error.errors).length > 0;
    throw isOfFields ? new FormError(error) : error;
  }
}
