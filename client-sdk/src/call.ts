/** Results of the client's methods: promises of the data, with further methods. */

/** The data with its HTTP response. */
export interface WithResponse<Data> {
  data: Data;
  response: Response;
  /** Version of the record, for `ifMatch`. */
  etag: string | undefined;
  /** The change that a write recorded, for `undo`. Undefined when nothing has changed. */
  changeId: string | undefined;
  requestId: string | undefined;
}

/** A request that has been sent: a promise of the data. */
export class Call<Data> extends Promise<Data> {
  /** `then`, `catch` and `finally` return plain promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #answer: Promise<WithResponse<Data>>;

  constructor(answer: Promise<WithResponse<Data>>) {
    super((resolve, reject) => answer.then(({ data }) => resolve(data), reject));
    this.#answer = answer;
  }

  /** Returns the data, the response, the record's ETag, the change and the request id. */
  withResponse(): Promise<WithResponse<Data>> {
    // The caller handles an error of the returned promise, so nobody has to handle it here as well.
    this.catch(() => {});
    return this.#answer;
  }

  /** The change that a write recorded, for `undo`. Undefined when nothing has changed. */
  get changeId(): Promise<string | undefined> {
    return this.withResponse().then(({ changeId }) => changeId);
  }
}

/** One page of a list. */
export interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
  /** Present when the query has `count`. */
  total?: number;
  /** Instead of `total`, when `count: "estimated"` stopped counting here. */
  total_at_least?: number;
  /** In a feed: whether more records are there already. */
  has_more?: boolean;
}

/**
 * A list that has been requested: a promise of the first page. `for await` iterates over the items
 * of all pages, `pages()` over the pages. Each page is requested when the loop reaches it.
 */
export class PageCall<Item, Pages extends Page<Item> = Page<Item>> extends Call<Pages>
  implements AsyncIterable<Item> {
  readonly #next: (page: Pages) => PageCall<Item, Pages> | undefined;

  /** `next` requests the page after this one, and returns undefined when there is none. */
  constructor(
    answer: Promise<WithResponse<Pages>>,
    next: (page: Pages) => PageCall<Item, Pages> | undefined,
  ) {
    super(answer);
    this.#next = next;
  }

  /** Iterates over the pages. */
  async *pages(): AsyncGenerator<Pages, void, undefined> {
    const { data: page } = await this.withResponse();
    yield page;
    const next = this.#next(page);
    if (next) yield* next.pages();
  }

  /** Iterates over the items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }
}
