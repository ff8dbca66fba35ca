/** Lists under hostile parameters: refused by name or answered, never a failure, never foreign records. */
import { assert, assertEquals } from "@std/assert";
import { encodeCursor } from "../../supabase/functions/_shared/list/cursor.ts";
import { insertRows } from "../support/records.ts";
import { createWorkspace, test } from "../support/workspace.ts";

const LISTS = [
  "contacts",
  "companies",
  "deals",
  "tasks",
  "tags",
  "contact_notes",
  "deal_notes",
  "users",
  "activity",
  "trash",
];

const FILTERS = [
  "id@in=()",
  "id@in=",
  "id@in=(",
  "id@in=,,,",
  'id@in=("1"',
  "id=%D9%A1",
  "id=1e3",
  "id=0x1",
  "id=999999999999999999",
  "id@gt=-999999999999999999",
  "id@@eq=1",
  "id@eq@eq=1",
  "@=1",
  "@eq=1",
  "id@__proto__=1",
  "id@constructor=1",
  "__proto__=1",
  "__proto__@eq=1",
  "constructor=1",
  "toString@is=null",
  "id%22%3B--=1",
  "id%00=1",
  "id=%00",
  "tags@cs=",
  "tags@cs={}",
  "tags@cs={",
  "tags@cs=}",
  "tags@ov=",
  "tags@ov={}",
  "tags@cd={}",
  "tags@cs=999999999999999999",
  "tags@cs=1,,2",
  "contact_ids@cs={}",
  "contact_ids@ov=",
  "contact_ids@cs=1&contact_ids@cs=2&contact_ids@ov=3",
  "first_name@like=%5C",
  "first_name@like=%5C%5C%5C",
  "first_name@ilike=%25_%00",
  "first_name=%ED%A0%80",
  "first_name@in=%5C",
  'first_name@in="%5C"',
  "created_at@gt=0000-01-01",
  "created_at@gt=9999-12-31T23:59:59.999999%2B15:59",
  "created_at@gt=0001-01-01T00:00:00%2B15:59",
  "created_at@gt=infinity",
  "sort=__proto__",
  "sort=id;drop table contacts",
  "sort=-id,id,-id,id",
  "sort=--id",
  "sort=id desc",
  "sort=,",
  "sort=",
  "select=id,id,id",
  "select=__proto__",
  "select=*",
  "select=id as x",
  "select=",
  "include=,",
  "include=constructor",
  "include=company,company",
  "limit=0",
  "limit=%D9%A1",
  "limit=1e2",
  "limit=201",
  "limit=1&limit=2",
  "count=exact&count=estimated",
  "count=estimated",
  "count=",
  "q=%00",
  "q=%27%22%5C%3A%2A%26%7C%21()",
  "q=%F0%9F%92%A9%E2%80%8B",
  `q=${"a ".repeat(500)}`,
  `q=${"a".repeat(1001)}`,
  "format=csv&cursor=x",
  "format=__proto__",
  "cursor=",
  "cursor=AAAA",
  "cursor=%00",
  `id@in=${Array.from({ length: 1_001 }, (_, index) => index).join(",")}`,
  `id@in=${Array.from({ length: 1_000 }, (_, index) => index).join(",")}`,
  `tags@cs=${Array.from({ length: 1_500 }, (_, index) => index).join(",")}`,
  Array.from({ length: 30 }, () => "id@gt=0").join("&"),
  Array.from({ length: 31 }, () => "id@gt=0").join("&"),
  Array.from({ length: 30 }, () => "tags@cs={}").join("&"),
];

test("lists answer or refuse every odd parameter, and show nothing foreign", async () => {
  const [own, foreign] = [await createWorkspace(), await createWorkspace()];
  await insertRows(own, "contacts", [{ first_name: "Own" }, { first_name: "Own" }]);
  const [contact] = await insertRows(foreign, "contacts", [{ first_name: "Foreign" }]);
  await insertRows(foreign, "deals", [{ name: "Foreign", stage: "won", contact_ids: [contact] }]);
  const found: string[] = [];
  for (const list of LISTS) {
    for (const filter of FILTERS) {
      const { status, body } = await own.admin.api.get(`/${list}?${filter}`);
      const text = JSON.stringify(body);
      if (![200, 400].includes(status)) {
        found.push(`${list}?${filter.slice(0, 60)} ${status} ${text}`);
      }
      assert(!text.includes("Foreign"), `${list}?${filter}`);
    }
  }
  assertEquals(found, []);
});

test("a cursor of another workspace or list, and a forged one, shows nothing foreign", async () => {
  const [own, foreign] = [await createWorkspace(), await createWorkspace()];
  for (const workspace of [own, foreign]) {
    const name = workspace === own ? "Own" : "Foreign";
    await insertRows(workspace, "contacts", [0, 1, 2].map(() => ({ first_name: name })));
    await insertRows(workspace, "companies", [0, 1, 2].map(() => ({ name })));
  }
  const { body: page } = await foreign.admin.api.get("/contacts?limit=1&sort=id");
  const { body: mine } = await own.admin.api.get(
    `/contacts?limit=9&sort=id&cursor=${page.next_cursor}`,
  );
  assert(mine.data.every((row: { first_name: string }) => row.first_name === "Own"));
  const { status } = await own.admin.api.get(`/companies?sort=id&cursor=${page.next_cursor}`);
  assertEquals(status, 400);
  const binding = JSON.stringify([
    "contacts_summary",
    [],
    undefined,
    {},
    [["id", false]],
    false,
  ]);
  for (
    const key of [["0"], ["x"], ["1' or true --"], [null], [""], ["99999999999999999999"], ["\0"], [
      "0",
      "0",
    ]]
  ) {
    for (const offset of [0, Number.MAX_SAFE_INTEGER]) {
      const cursor = encodeCursor({ key, offset }, binding);
      const answer = await own.admin.api.get(`/contacts?sort=id&count=exact&cursor=${cursor}`);
      assert(
        [200, 400].includes(answer.status),
        `${key}: ${answer.status} ${JSON.stringify(answer.body)}`,
      );
      assert(!JSON.stringify(answer.body).includes("Foreign"));
    }
  }
});
