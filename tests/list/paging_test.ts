/** Paging of lists: in every order the pages show every record once, in the right place. */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { pick, seeded } from "../support/random.ts";
import { insertRows } from "../support/records.ts";
import { type Api, createWorkspace, sql, test, type Workspace } from "../support/workspace.ts";
import { companies } from "../../supabase/functions/api/companies/queries.ts";
import { contacts } from "../../supabase/functions/api/contacts/queries.ts";

type Values = Record<string, unknown>;

const RECORDS = 61;
const SEED = 20_261_120;

const NAMES = [
  "ada",
  "bob",
  "null",
  "NULL",
  "",
  "a,b",
  '"quoted"',
  "{brace}",
  "back\\slash",
  "Łódź",
  null,
];
const TIMES = [
  "2024-05-01T10:00:00.000001Z",
  "2024-05-01T10:00:00.000002Z",
  "2024-05-01T10:00:00.123Z",
  "1999-12-31T23:59:59.999999Z",
  null,
];

/** Contacts with many equal values and nulls. */
async function manyContacts(workspace: Workspace): Promise<void> {
  const random = seeded(SEED);
  const tags = await insertRows(workspace, "tags", [{ name: "red", color: "red" }]);
  const companies = await insertRows(
    workspace,
    "companies",
    ["Acme", "acme", "Zeta"].map((name) => ({ name })),
  );
  const contacts = await insertRows(
    workspace,
    "contacts",
    Array.from({ length: RECORDS }, () => ({
      first_name: pick(random, NAMES),
      last_name: pick(random, NAMES),
      title: pick(random, NAMES),
      status: pick(random, ["hot", "cold", null]),
      has_newsletter: pick(random, [true, false, null]),
      first_seen: pick(random, TIMES),
      last_seen: pick(random, TIMES),
      company_id: pick(random, [...companies, null]),
      sales_id: pick(random, [workspace.admin.id, null]),
      tags: pick(random, [tags, null]),
      created_at: pick(random, TIMES.slice(0, 4)),
    })),
  );
  const tasks = contacts.flatMap((contact_id, index) => Array(index % 3).fill({ contact_id }));
  await insertRows(workspace, "tasks", tasks);
}

async function manyCompanies(workspace: Workspace): Promise<void> {
  const random = seeded(SEED);
  const companies = await insertRows(
    workspace,
    "companies",
    Array.from({ length: RECORDS }, () => ({
      name: pick(random, NAMES.slice(0, -1)),
      size: pick(random, [1, 10, 500, null]),
      website: pick(random, ["https://a.example", "HTTPS://A.EXAMPLE", "http://b.example", null]),
      revenue: pick(random, NAMES),
      created_at: pick(random, TIMES.slice(0, 4)),
    })),
  );
  await insertRows(
    workspace,
    "contacts",
    companies.slice(0, 20).map((company_id) => ({ company_id })),
  );
  await insertRows(
    workspace,
    "contacts",
    companies.slice(0, 9).map((company_id) => ({ company_id })),
  );
}

/** The ids of a whole list, read page by page. Checks the headers and totals of each page. */
async function walk(api: Api, path: string, limit: number): Promise<number[]> {
  const ids: number[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Values = cursor === "" ? {} : { cursor };
    const query = new URLSearchParams({ limit: String(limit), ...page });
    const { status, body, headers } = await api.get(`${path}&select=id&${query}`);
    assertEquals(status, 200, JSON.stringify(body));
    const range = body.data.length === 0
      ? "*/*"
      : `${ids.length}-${ids.length + body.data.length - 1}/*`;
    assertEquals(headers.get("Content-Range"), range);
    if (body.next_cursor !== null) {
      assertEquals(body.data.length, limit, "a page that is not the last is full");
    }
    ids.push(...body.data.map(({ id }: { id: number }) => id));
    cursor = body.next_cursor;
    assert(ids.length <= RECORDS * 2, "paging does not end");
  }
  return ids;
}

/** The expected order, sorted in memory by the ranks that Postgres gives to each column's values. */
async function oracle(workspace: Workspace, relation: string, sort: string): Promise<number[]> {
  const keys = sort.split(",").map((item) => ({
    column: item.replace(/^-/, ""),
    direction: item.startsWith("-") ? -1 : 1,
  }));
  const rows: Values[] = await sql`
    select
      record.id::int as id
      ${
    keys.map(({ column }, index) =>
      sql`, case when record.${sql(column)} is not null
        then dense_rank() over (order by record.${sql(column)})::int end as ${sql(`key${index}`)}`
    )
  }
    from ${sql("public." + relation)} as record
    join ${sql("public." + relation.replace("_summary", ""))} as owned using (id)
    where owned.workspace_id = ${workspace.id}`;
  const last = keys.at(-1)?.direction ?? 1;
  return rows.sort((a, b) => {
    for (const [index, { direction }] of keys.entries()) {
      const [x, y] = [a[`key${index}`], b[`key${index}`]];
      if (x === y) continue;
      if (x === null || y === null) return x === null ? 1 : -1;
      return (Number(x) - Number(y)) * direction;
    }
    return (Number(a.id) - Number(b.id)) * last;
  }).map(({ id }) => Number(id));
}

const LISTS = [
  { path: "/contacts", relation: "contacts_summary", listing: contacts.list, fill: manyContacts },
  {
    path: "/companies",
    relation: "companies_summary",
    listing: companies.list,
    fill: manyCompanies,
  },
];

for (const { path, relation, listing, fill } of LISTS) {
  const sortable = Object.values(listing.parameters.columns)
    .filter((column) => column.sortable)
    .map(({ name }) => name);

  test(`${path}: pages by every sortable column, ascending and descending, without losing a record`, async () => {
    const workspace = await createWorkspace();
    await fill(workspace);
    const random = seeded(SEED);
    for (const column of sortable) {
      for (const sort of [column, `-${column}`]) {
        const found = await walk(
          workspace.admin.api,
          `${path}?sort=${sort}`,
          pick(random, [7, 16, 61]),
        );
        assertEquals(found, await oracle(workspace, relation, sort), sort);
      }
    }
  });

  test(`${path}: pages by several columns in the expected order`, async () => {
    const workspace = await createWorkspace();
    await fill(workspace);
    const random = seeded(SEED + 1);
    for (let round = 0; round < 25; round++) {
      const columns = new Set(Array.from({ length: 1 + round % 5 }, () => pick(random, sortable)));
      const sort = [...columns].map((column) => pick(random, ["", "-"]) + column).join(",");
      const limit = pick(random, [5, 13, 30, 60, 61, 200]);
      const found = await walk(workspace.admin.api, `${path}?sort=${sort}`, limit);
      assertEquals(found, await oracle(workspace, relation, sort), `sort=${sort}&limit=${limit}`);
    }
  });
}

test("contacts.list pages by one record at a time", async () => {
  const workspace = await createWorkspace();
  await manyContacts(workspace);
  const found = await walk(workspace.admin.api, "/contacts?sort=-last_seen,first_name", 1);
  assertEquals(found, await oracle(workspace, "contacts_summary", "-last_seen,first_name"));
});

test("contacts.list pages through its default order: the last seen first, never seen ones last", async () => {
  const workspace = await createWorkspace();
  await manyContacts(workspace);
  const found = await walk(workspace.admin.api, "/contacts?", 9);
  assertEquals(found, await oracle(workspace, "contacts_summary", "-last_seen,-id"));
});

test("contacts.list pages through ranked search results", async () => {
  const workspace = await createWorkspace();
  const rows = Array.from({ length: 40 }, (_, index) => ({
    first_name: index % 4 === 0 ? "Ada" : "Bob",
    background: index % 2 === 0 ? "ada ".repeat(1 + index % 5) : "knows ada",
  }));
  await insertRows(workspace, "contacts", rows);
  const whole = await workspace.admin.api.get("/contacts?q=ada&limit=200&select=id,first_name");
  const names = whole.body.data.map(({ first_name }: Values) => first_name);
  assertEquals([names.length, names.slice(0, 10)], [40, Array(10).fill("Ada")]);
  const ids = whole.body.data.map(({ id }: Values) => id);
  assertEquals(await walk(workspace.admin.api, "/contacts?q=ada", 7), ids);
});

test("contacts.list neither repeats nor skips existing records when others are added and deleted", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const ids = await insertRows(
    workspace,
    "contacts",
    Array.from(
      { length: 30 },
      (_, index) => ({ first_name: `m${String(index).padStart(2, "0")}` }),
    ),
  );
  const found: number[] = [];
  let cursor = "";
  do {
    const { body } = await api.get(`/contacts?sort=first_name&limit=4${cursor}`);
    found.push(...body.data.map(({ id }: { id: number }) => id));
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    await insertRows(workspace, "contacts", [{ first_name: "a" }, { first_name: "" }]);
    await api.delete(`/contacts/${found.at(-1)}`);
  } while (cursor !== "");
  assertEquals(found, ids);
});

test("contacts.list answers 400 for a cursor of another sort, filter, search or resource", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(workspace, "contacts", [{ first_name: "a" }, { first_name: "a" }]);
  await insertRows(workspace, "companies", [{ name: "a" }, { name: "a" }]);
  const { body } = await api.get("/contacts?sort=first_name&limit=1");
  const cursor = body.next_cursor;
  assertEquals(
    (await api.get(`/contacts?sort=first_name&limit=2&cursor=${cursor}`)).body.data.length,
    1,
  );
  for (
    const path of [
      `/contacts?cursor=${cursor}`,
      `/contacts?sort=-first_name&cursor=${cursor}`,
      `/contacts?sort=last_name&cursor=${cursor}`,
      `/contacts?sort=first_name&first_name=a&cursor=${cursor}`,
      `/contacts?sort=first_name&q=a&cursor=${cursor}`,
      `/companies?cursor=${cursor}`,
      `/companies?sort=name&cursor=${cursor}`,
    ]
  ) assertProblem(await api.get(path), 400, "invalid_cursor");
});

test("contacts.list answers 400 for a cursor that is broken or forged", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(workspace, "contacts", [{ first_name: "a" }, { first_name: "b" }]);
  const { body } = await api.get("/contacts?sort=id&limit=1");
  const parts = JSON.parse(atob(body.next_cursor.replaceAll("-", "+").replaceAll("_", "/")));
  const forged = (...changed: unknown[]) => btoa(JSON.stringify(changed)).replace(/=+$/, "");
  const [version, binding, offset, id] = parts;
  for (
    const cursor of [
      "",
      "x",
      "%00",
      "a".repeat(5_000),
      body.next_cursor.slice(1),
      btoa("null"),
      forged(),
      forged(version + 1, binding, offset, id),
      forged(version, binding, -1, id),
      forged(version, binding, 1e300, id),
      forged(version, binding, offset),
      forged(version, binding, offset, Number(id)),
      forged(version, binding, offset, "1; select 1"),
      forged(version, binding, offset, "99999999999999999999"),
      forged(version, binding, offset, id, id),
    ]
  ) assertProblem(await api.get(`/contacts?sort=id&cursor=${cursor}`), 400, "invalid_cursor");
});
