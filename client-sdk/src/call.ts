/** Results of the client's methods: promises of the data, with further methods. */

/** The data with its HTTP response. */
export interface WithResponse<Data> {
  data: Data;
  response: Response;
  /** Version of the record, for `ifMatch`. */
  etag: string | undefined;
  requestId: string | undefined;
}

/** A request that has been sent. Await it for the data. */
export class Call<Data> implements PromiseLike<Data> {
  readonly #answer: Promise<WithResponse<Data>>;

  constructor(answer: Promise<WithResponse<Data>>) {
    this.#answer = answer;
  }

  /** Returns the data, the response, the record's ETag and the request id. */
  withResponse(): Promise<WithResponse<Data>> {
    return this.#answer;
  }

  then<Result = Data, Failure = never>(
    onFulfilled?: ((data: Data) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#answer.then(({ data }) => data).then(onFulfilled, onRejected);
  }

  catch<Failure = never>(
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Data | Failure> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Data> {
    return this.then().finally(onFinally);
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
}

/**
 * A list that has been requested. Await it for the first page. `for await` iterates over the items
 * of all pages, `pages()` over the pages. Each page is requested when the loop reaches it.
 */
export class PageCall<Item> extends Call<Page<Item>> implements AsyncIterable<Item> {
  readonly #next: (cursor: string) => PageCall<Item>;

  constructor(
    answer: Promise<WithResponse<Page<Item>>>,
    next: (cursor: string) => PageCall<Item>,
  ) {
    super(answer);
    this.#next = next;
  }

  /** Iterates over the pages. */
  async *pages(): AsyncGenerator<Page<Item>, void, undefined> {
    let page = await this.then();
    yield page;
    while (page.next_cursor !== null) {
      page = await this.#next(page.next_cursor).then();
      yield page;
    }
  }

  /** Iterates over the items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }
}
