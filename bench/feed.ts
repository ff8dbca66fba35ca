/**
 * Measures the feed of changes at 1,000,000 changes: pages at the start, in the middle and at the end,
 * the stream, and how long a waiting reader waits after a commit.
 */

import postgres from "postgres";
import { median } from "./load.ts";
import { figure, type Finding } from "./report.ts";
import type { Tenant } from "./seed.ts";
import { startServer } from "./server.ts";

const CHANGES = 1_000_000;
const PAGE = 200;

/** A page of the feed. */
interface Page {
  data: { id: string }[];
  next_cursor: string;
}

/** Adds changes to a workspace and measures its feed. `sql` is the superuser's. */
export async function measureFeed(
  sql: postgres.Sql,
  tenant: Tenant,
  environment: Record<string, string>,
  rounds: number,
): Promise<Finding[]> {
  console.error(`Adding ${CHANGES} changes …`);
  await addChanges(sql, tenant);
  await using server = await startServer("../supabase/functions/api/index.ts", environment);
  const feed = feedOf(server.port, tenant);
  const { seconds, middle, end } = await readStream(server.port, tenant);
  const positions = { start: "start", middle, end };
  const times = { start: [] as number[], middle: [] as number[], end: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const position of ["start", "middle", "end"] as const) {
      const start = performance.now();
      const { data } = await feed(`after=${positions[position]}&limit=${PAGE}`);
      if (data.length !== PAGE) throw new Error(`The page has ${data.length} changes`);
      if (round > 0) times[position].push(performance.now() - start);
    }
  }
  const waits: number[] = [];
  for (let round = 0; round < rounds; round++) waits.push(await waitForChange(sql, tenant, feed));
  return findingsOf(times, seconds, waits);
}

function findingsOf(
  times: Record<"start" | "middle" | "end", number[]>,
  seconds: number,
  waits: number[],
): Finding[] {
  const page = (position: "start" | "middle" | "end") => median(times[position]);
  return [
    ...(["middle", "end"] as const).map((position) => ({
      what: `page of the feed, ${position} of 1,000,000 changes / the first page`,
      measured: `${figure(page(position))} ms / ${figure(page("start"))} ms`,
      value: page(position) / page("start"),
      budget: { atMost: 1.5 },
      unit: " ×",
    })),
    {
      what: "stream of these changes",
      measured: `${Math.round(seconds)} s`,
      value: CHANGES / seconds,
      unit: " changes/s",
    },
    {
      what: "from a commit to the answer of a reader who waits",
      measured: `at most ${figure(Math.max(...waits))} ms`,
      value: median(waits),
      budget: { atMost: 1_000 },
      unit: " ms",
    },
  ];
}

/** Transactions before those of this database, so that all changes are settled. */
async function addChanges(sql: postgres.Sql, { workspaceId, memberId }: Tenant): Promise<void> {
  await sql`
    insert into public.changes (
      id, workspace_id, transaction_id, operation, member_id, request_id, touched, created_at
    )
    select
      gen_random_uuid(), ${workspaceId}, number - ${
    CHANGES + 1
  }::int, 'contacts.update', ${memberId},
      gen_random_uuid(), '{"contacts": 1}', now() - (${CHANGES}::int - number) * interval '1 second'
    from generate_series(1, ${CHANGES}::int) as number`;
  await sql.unsafe("vacuum analyze public.changes");
}

function feedOf(port: number, { token }: Tenant): (query: string) => Promise<Page> {
  return async (query) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/changes?${query}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return await response.json();
  };
}

/** Reads the whole feed as lines. Returns cursors from the middle and from near the end. */
async function readStream(
  port: number,
  { token }: Tenant,
): Promise<{ seconds: number; middle: string; end: string }> {
  const start = performance.now();
  const response = await fetch(
    `http://127.0.0.1:${port}/api/changes?after=start&format=ndjson&limit=${PAGE}`,
    { headers: { Authorization: `Bearer ${token}` } },
  );
  if (!response.ok || !response.body) throw new Error(`${response.status}`);
  const cursors: string[] = [];
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith('{"next_cursor"')) cursors.push(JSON.parse(line).next_cursor);
    }
  }
  const seconds = (performance.now() - start) / 1_000;
  if (cursors.length < CHANGES / PAGE) throw new Error(`The stream has ${cursors.length} blocks`);
  return {
    seconds,
    middle: cursors[Math.floor(CHANGES / PAGE / 2)] ?? "",
    end: cursors[CHANGES / PAGE - 2] ?? "",
  };
}

/** Milliseconds from the commit of a change to the answer of a reader who waits for it. */
async function waitForChange(
  sql: postgres.Sql,
  { workspaceId }: Tenant,
  feed: (query: string) => Promise<Page>,
): Promise<number> {
  const { next_cursor } = await feed("after=now");
  const answered = feed(`after=${next_cursor}&wait=20`).then((page) => ({
    at: performance.now(),
    page,
  }));
  // The reader finds nothing first, and is at a random moment of its waiting.
  await new Promise((resolve) => setTimeout(resolve, 700 + Math.random() * 600));
  await sql`
    insert into public.tags (workspace_id, name, color)
    values (${workspaceId}, ${crypto.randomUUID()}, '#e8cb7d')`;
  const committed = performance.now();
  const { at, page } = await answered;
  if (page.data.length !== 1) throw new Error(`The reader got ${page.data.length} changes`);
  return at - committed;
}
