/** What a method returns: a promise of the data, with more to ask of it. */

/** The data with the answer that it came in. */
export interface WithResponse<Data> {
  data: Data;
  response: Response;
  /** Version of the record: send it back as `ifMatch`. */
  etag: string | undefined;
  requestId: string | undefined;
}

/** A call under way. Await it for the data. */
export class Call<Data> implements PromiseLike<Data> {
  readonly #answer: Promise<WithResponse<Data>>;

  constructor(answer: Promise<WithResponse<Data>>) {
    this.#answer = answer;
  }

  /** The data, the answer's headers, the record's ETag and the request id. */
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
  /** Present when the query asked for a `count`. */
  total?: number;
  /** Instead of `total`, when `count: "estimated"` stopped counting here. */
  total_at_least?: number;
}

/**
 * A list under way. Await it for the first page; `for await` walks over the items of all pages,
 * `pages()` over the pages, each asked for when the loop gets there.
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

  /** The pages, from the first one on. */
  async *pages(): AsyncGenerator<Page<Item>, void, undefined> {
    let page = await this.then();
    yield page;
    while (page.next_cursor !== null) {
      page = await this.#next(page.next_cursor).then();
      yield page;
    }
  }

  /** The items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }
}
