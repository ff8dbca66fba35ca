/** Pages by their number. */
import type { Page } from "./call.ts";
import { MAXIMUM_LIMIT, MAXIMUM_OFFSET } from "./generated/resources.ts";
import type { Portico } from "./portico.ts";
import type { CallOptions } from "./runtime.ts";

/** Cursors that are remembered. */
const MAXIMUM_CURSORS = 100;

/** The records of a page, and whether more follow. */
export interface NumberedPage<Item> {
  data: Item[];
  total: number | undefined;
  hasMore: boolean;
}

/**
 * Reads pages of lists by number. Up to `MAXIMUM_OFFSET` records they are read by offset. Behind it,
 * a page is read by the cursor of the page before it, when that one has been read.
 */
export class NumberedPages {
  readonly #portico: Portico;
  readonly #maximumOffset: number;
  /** List, query and offset → cursor. */
  readonly #cursors = new Map<string, string>();

  constructor(portico: Portico, maximumOffset: number = MAXIMUM_OFFSET) {
    this.#portico = portico;
    this.#maximumOffset = maximumOffset;
  }

  /**
   * Reads `size` records from `offset`, with several requests when `size` is large. Throws RangeError
   * for a page that is too far away.
   */
  async read<Item>(
    path: string,
    query: object,
    { offset, size }: { offset: number; size: number },
    options: CallOptions = {},
  ): Promise<NumberedPage<Item>> {
    const data: Item[] = [];
    let total: number | undefined;
    let start = this.#start(path, query, offset);
    while (true) {
      const limit = Math.min(size - data.length, MAXIMUM_LIMIT);
      const page: Page<Item> = await this.#portico.request<Page<Item>>({
        method: "GET",
        path,
        query: { ...query, ...start, limit },
        options,
      });
      data.push(...page.data);
      total ??= page.total;
      const { next_cursor: cursor } = page;
      if (cursor !== null) this.#remember(path, query, offset + data.length, cursor);
      if (cursor === null || data.length >= size) return { data, total, hasMore: cursor !== null };
      start = { cursor };
    }
  }

  #start(path: string, query: object, offset: number): { offset?: number; cursor?: string } {
    if (offset <= this.#maximumOffset) return offset === 0 ? {} : { offset };
    const cursor = this.#cursors.get(keyOf(path, query, offset));
    if (cursor !== undefined) return { cursor };
    throw new RangeError(
      `Pages by number end at record ${this.#maximumOffset}. Filter the list, or turn the pages one by one.`,
    );
  }

  #remember(path: string, query: object, offset: number, cursor: string): void {
    if (offset <= this.#maximumOffset) return;
    this.#cursors.set(keyOf(path, query, offset), cursor);
    const [oldest] = this.#cursors.keys();
    if (this.#cursors.size > MAXIMUM_CURSORS && oldest) this.#cursors.delete(oldest);
  }
}

function keyOf(path: string, query: object, offset: number): string {
  return JSON.stringify([path, query, offset]);
}
