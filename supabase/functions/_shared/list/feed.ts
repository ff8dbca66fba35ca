/**
 * Feeds: a list in the order in which its records became visible, so that a reader who follows the
 * cursor misses none. `after` begins or continues it, `wait` waits for the next record, and
 * `format=ndjson` streams.
 *
 * The records are sorted by the id of their transaction. A record is settled when every transaction
 * that began before its own has ended: no earlier record can appear any more (PostgreSQL, "Snapshot
 * Functions": `pg_snapshot_xmin`). Records that are not settled yet are left for the next page.
 */
import type { Fragment, Sql } from "../database/database.ts";
import type { StreamedAnswer } from "./export.ts";
import type { FeedQuery, ListQuery } from "./parse.ts";
import { JsonText } from "../reply.ts";
import type { Key } from "./select.ts";

/** The feed of a list. */
export interface Feed {
  /** Columns that give the order, such as `transaction_id,id`. */
  order: string;
  /** Condition that no record can appear before the row `record` any more. */
  isSettled(sql: Sql): Fragment;
  /** Returns the key after which records that appear from now on come. */
  now(sql: Sql): Promise<Key>;
}

/** A page of a feed. */
export interface FeedPage {
  /** JSON records. */
  lines: string[];
  /** Continues the feed after this page, also when the page is empty. */
  cursor: string;
  hasMore: boolean;
}

/** The member of `Listing` that a feed uses. */
interface FollowableList {
  feedPage(sql: Sql, query: ListQuery, feed: FeedQuery): Promise<FeedPage>;
}

type Read = <Value>(work: (sql: Sql) => Promise<Value>) => Promise<Value>;

/** Between two readings of an empty feed. */
const INTERVAL_MS = 500;

/** Returns the query's feed, or undefined when it asks for a page of the list. */
export function feedQuery(query: unknown): (ListQuery & { feed: FeedQuery }) | undefined {
  const isFeed = typeof query === "object" && query !== null && "feed" in query && query.feed;
  // Only the schema of a list makes a query with `feed`.
  return isFeed ? query as ListQuery & { feed: FeedQuery } : undefined;
}

/**
 * Answers the next page of a feed: `{data, next_cursor, has_more}`. Waits at most `wait` seconds for
 * the first record. Each reading is a transaction of its own.
 * @throws Problem `invalid_cursor`.
 */
export async function followFeed(
  list: FollowableList,
  query: ListQuery & { feed: FeedQuery },
  read: Read,
): Promise<JsonText> {
  const { lines, cursor, hasMore } = await nextPage(list, query, read, query.feed);
  const next = JSON.stringify(cursor);
  return new JsonText(`{"data":[${lines.join(",")}],"next_cursor":${next},"has_more":${hasMore}}`);
}

async function nextPage(
  list: FollowableList,
  query: ListQuery,
  read: Read,
  feed: FeedQuery,
): Promise<FeedPage> {
  const end = performance.now() + feed.wait * 1_000;
  let page = await read((sql) => list.feedPage(sql, query, feed));
  while (page.lines.length === 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    const { cursor } = page;
    page = await read((sql) => list.feedPage(sql, query, { ...feed, after: cursor }));
  }
  return page;
}

/**
 * Streams a feed as JSON lines: records, and after each block a line `{"next_cursor"}`. Ends when no
 * record has appeared for `wait` seconds.
 * @throws Problem of the first block.
 */
export async function streamFeed(
  list: FollowableList,
  query: ListQuery & { feed: FeedQuery },
  read: Read,
  report: (error: unknown) => void,
): Promise<StreamedAnswer> {
  const first = await read((sql) => list.feedPage(sql, query, query.feed));
  return {
    status: 200,
    headers: { "Content-Type": "application/x-ndjson; charset=utf-8", "Cache-Control": "no-store" },
    body: linesFrom(
      first,
      (after) => nextPage(list, query, read, { ...query.feed, after }),
      report,
    ),
  };
}

function linesFrom(
  first: FeedPage,
  follow: (after: string) => Promise<FeedPage>,
  report: (error: unknown) => void,
): ReadableStream {
  const encoder = new TextEncoder();
  let page: FeedPage | undefined = first;
  let cursor = first.cursor;
  let cancelled = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const isFirst = page !== undefined;
        const next = page ?? await follow(cursor);
        page = undefined;
        if (cancelled) return;
        if (next.lines.length === 0 && !isFirst) return controller.close();
        cursor = next.cursor;
        const lines = [...next.lines, JSON.stringify({ next_cursor: cursor })];
        controller.enqueue(encoder.encode(`${lines.join("\n")}\n`));
      } catch (error) {
        report(error);
        controller.error(error);
      }
    },
    cancel() {
      cancelled = true;
    },
  });
}
