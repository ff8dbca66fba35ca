/** Feeds: lists that are followed as their records appear. */
import type { Page } from "./call.ts";

/**
 * A feed. `for await` iterates over its items, waits for new ones and never ends by itself: leave the
 * loop, or abort the `signal`. `pages()` gives the cursor as well, from which a later program goes on.
 */
export class Feed<Item> implements AsyncIterable<Item> {
  readonly #after: string;
  readonly #read: (after: string) => PromiseLike<Page<Item>>;

  constructor(after: string, read: (after: string) => PromiseLike<Page<Item>>) {
    this.#after = after;
    this.#read = read;
  }

  /** Iterates over the pages, of which some are empty. `next_cursor` goes on after the page. */
  async *pages(): AsyncGenerator<Page<Item>, never, undefined> {
    let after = this.#after;
    while (true) {
      const page = await this.#read(after);
      after = page.next_cursor ?? after;
      yield page;
    }
  }

  /** Iterates over the items. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }
}
