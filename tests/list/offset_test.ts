/** Page numbers: `offset` reads the same records as a walk by cursors does. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { insertRows } from "../support/records.ts";
import { type Api, createWorkspace, test } from "../support/workspace.ts";
import { MAXIMUM_OFFSET } from "../../supabase/functions/_shared/list/parse.ts";

const RECORDS = 23;

/** Contacts with equal values and nulls. */
async function manyContacts() {
  const workspace = await createWorkspace();
  const rows = Array.from({ length: RECORDS }, (_, index) => ({
    first_name: "Ada",
    last_name: index % 3 === 0 ? null : `name ${index % 5}`,
    background: "engine ".repeat(1 + index % 4),
  }));
  await insertRows(workspace, "contacts", rows);
  return workspace.admin.api;
}

async function idsOf(api: Api, query: string): Promise<number[]> {
  const { status, body } = await api.get(`/contacts?select=id&${query}`);
  assertEquals(status, 200, JSON.stringify(body));
  return body.data.map(({ id }: { id: number }) => id);
}

for (const order of ["sort=last_name", "sort=-last_name,id", "q=engine", "sort=id", "limit=4"]) {
  test(`contacts.list reads any page by its offset, with ${order}`, async () => {
    const api = await manyContacts();
    const whole = await idsOf(api, `${order.replace(/limit=4/, "")}&limit=200`);
    assertEquals(whole.length, RECORDS);
    for (const offset of [0, 1, 7, 8, 15, 22]) {
      const page = await idsOf(api, `${order.replace(/limit=4/, "")}&limit=4&offset=${offset}`);
      assertEquals(page, whole.slice(offset, offset + 4), `offset ${offset}`);
    }
  });
}

test("contacts.list goes on by cursor after an offset, and counts as before", async () => {
  const api = await manyContacts();
  const whole = await idsOf(api, "sort=last_name&limit=200");
  const path = "/contacts?sort=last_name&limit=4&select=id&count=exact";
  const { body, headers } = await api.get(`${path}&offset=8`);
  assertEquals([body.total, headers.get("Content-Range")], [RECORDS, `8-11/${RECORDS}`]);
  const next = await api.get(`${path}&cursor=${body.next_cursor}`);
  assertEquals(next.headers.get("Content-Range"), `12-15/${RECORDS}`);
  const ids = next.body.data.map(({ id }: { id: number }) => id);
  assertEquals(ids, whole.slice(12, 16));
});

test("contacts.list has no records behind the last one, but a total", async () => {
  const api = await manyContacts();
  for (const offset of [RECORDS, RECORDS + 1, MAXIMUM_OFFSET]) {
    const { status, body, headers } = await api.get(`/contacts?count=exact&offset=${offset}`);
    assertEquals([status, body], [200, { data: [], next_cursor: null, total: RECORDS }]);
    assertEquals(headers.get("Content-Range"), `*/${RECORDS}`);
  }
});

test("contacts.list refuses an offset that is out of bounds, or beside a cursor or format", async () => {
  const api = await manyContacts();
  const { body } = await api.get("/contacts?limit=1");
  const wrong = [
    ...["-1", "1.5", "x", "", String(MAXIMUM_OFFSET + 1)].map((offset) => `offset=${offset}`),
    `offset=1&cursor=${body.next_cursor}`,
    "offset=1&format=csv",
  ];
  for (const query of wrong) {
    const answer = await api.get(`/contacts?${query}`);
    assertProblem(answer, 400, "invalid_parameter");
    assertEquals(Object.keys(answer.body.errors), ["offset"], query);
  }
});

test("changes.list refuses an offset in a feed", async () => {
  const { admin } = await createWorkspace();
  assertProblem(await admin.api.get("/changes?after=start&offset=1"), 400, "invalid_parameter");
});
