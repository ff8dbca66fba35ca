/** GET /changes?after=: the feed, in the order in which changes became visible. */
import { assert, assertEquals } from "@std/assert";
import { present } from "../../support/exactly.ts";
import {
  api,
  createWorkspace,
  sql,
  stack,
  test,
  type TestMember,
} from "../../support/workspace.ts";
import { changeOf } from "./changeOf.ts";

interface FeedAnswer {
  data: { id: string }[];
  next_cursor: string;
  has_more: boolean;
}

async function page(member: TestMember, query: string): Promise<FeedAnswer> {
  const { status, body } = await member.api.get(`/changes?${query}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body;
}

async function addTag({ api }: TestMember): Promise<string> {
  return changeOf(await api.post("/tags", { name: crypto.randomUUID(), color: "#eddcd2" }));
}

/**
 * Follows the feed until it has these changes, and returns them in its order, as often as it gave
 * them. Changes from before `now` may follow it, when a transaction of another test was still open.
 */
async function followed(member: TestMember, after: string, wanted: string[]): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor = after; !wanted.every((id) => seen.includes(id));) {
    const { data, next_cursor } = await page(member, `after=${cursor}&wait=20`);
    seen.push(...data.map(({ id }) => id).filter((id) => wanted.includes(id)));
    cursor = next_cursor;
  }
  return seen;
}

test("changes.list with after gives each change once, in order, over pages", async () => {
  const { admin } = await createWorkspace();
  const { next_cursor: now } = await page(admin, "after=now");
  const made = [await addTag(admin), await addTag(admin), await addTag(admin)];
  assertEquals(await followed(admin, now, made), made);
  assertEquals(await followed(admin, "start", made), made);
  const { data, next_cursor, has_more } = await page(admin, `after=${now}&limit=2&wait=20`);
  assert(data.length > 0 && data.length <= 2);
  assert(typeof has_more === "boolean");
  const shown = data.map(({ id }) => id).filter((id) => made.includes(id));
  const rest = await followed(admin, next_cursor, made.slice(shown.length));
  assertEquals([...shown, ...rest], made);
});

test("changes.list with after misses no change of a writer that commits late", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const { next_cursor: now } = await page(admin, "after=now");
  let late = "";
  let early = "";
  // A writer that began before, and is still open.
  await sql.begin(async (tx) => {
    await tx`
      insert into public.tags (name, color, workspace_id)
      values ('late', '#eddcd2', ${workspace.id})`;
    const [row] = await tx<{ id: string }[]>`select private.current_change() as id`;
    late = present(row, "the change").id;
    early = await addTag(admin);
    // The later transaction has committed, but the feed waits for the open one.
    assertEquals((await admin.api.get(`/changes/${early}`)).status, 200);
    const shown = (await page(admin, `after=${now}`)).data.map(({ id }) => id);
    assertEquals(shown.includes(early), false);
  });
  assertEquals(await followed(admin, now, [late, early]), [late, early]);
});

test("changes.list with wait answers when a change appears, and at the end of the time", async () => {
  const { admin } = await createWorkspace();
  const { next_cursor: now } = await page(admin, "after=now");
  const waiting = page(admin, `after=${now}&wait=20`);
  const id = await addTag(admin);
  assert((await waiting).data.length > 0);
  assertEquals(await followed(admin, now, [id]), [id]);
  const empty = await page(admin, "after=now&wait=1");
  assertEquals([empty.data.map((change) => change.id === id), empty.has_more], [[], false]);
});

test("changes.list with format=ndjson streams changes, and a cursor after each block", async () => {
  const { admin } = await createWorkspace();
  const { next_cursor: now } = await page(admin, "after=now");
  const made = [await addTag(admin), await addTag(admin)];
  await followed(admin, now, made);
  const { body, headers } = await admin.api.get(`/changes?after=${now}&format=ndjson&limit=1`);
  assert(headers.get("Content-Type")?.startsWith("application/x-ndjson"));
  const lines = String(body).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ id }) => id).filter((id) => made.includes(id)), made);
  const cursor = lines.at(-1).next_cursor;
  assertEquals((await page(admin, `after=${cursor}`)).data, []);
});

test("changes.list with after filters, refuses other parameters of pages and foreign cursors", async () => {
  const { admin } = await createWorkspace();
  const tag = await addTag(admin);
  await admin.api.post("/contacts", { first_name: "Ada" });
  await followed(admin, "start", [tag]);
  const { data, next_cursor } = await page(admin, "after=start&table=tags");
  assertEquals(data.map(({ id }) => id), [tag]);
  for (
    const [query, code] of [
      ["after=start&sort=id", "invalid_parameter"],
      ["after=start&count=exact", "invalid_parameter"],
      ["after=start&wait=21", "invalid_parameter"],
      ["after=start&format=csv", "invalid_parameter"],
      ["wait=5", "invalid_parameter"],
      ["after=nonsense", "invalid_cursor"],
      [`after=${next_cursor}`, "invalid_cursor"],
    ]
  ) {
    const { status, body } = await admin.api.get(`/changes?${query}`);
    assertEquals([status, body.code], [400, code], query);
    if (code === "invalid_cursor") assertEquals(Object.keys(body.errors), ["after"]);
  }
});

test("jobs.keep_log adds partitions and drops none that is young", async () => {
  const answer = await api(stack.secretKey).post("/jobs/keep_log");
  // Nothing is counted while a run of another test holds the job's lock.
  assertEquals([answer.status, answer.body.purged.log_partitions ?? 0], [200, 0]);
});
