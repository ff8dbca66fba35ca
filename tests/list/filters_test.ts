/** Filters of lists: every operator on every kind of column, exact values, and refusals with 400. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { insertRows } from "../support/records.ts";
import { createWorkspace, sql, test, type Workspace } from "../support/workspace.ts";
import { companies } from "../../supabase/functions/api/companies/queries.ts";
import { contacts } from "../../supabase/functions/api/contacts/queries.ts";

interface Sample {
  workspace: Workspace;
  tags: number[];
  companies: number[];
  contacts: number[];
}

/** Four contacts. The expectations below refer to them by number. */
async function sample(): Promise<Sample> {
  const workspace = await createWorkspace();
  const tags = await insertRows(workspace, "tags", [
    { name: "t1", color: "c" },
    { name: "t2", color: "c" },
    { name: "t3", color: "c" },
  ]);
  const companies = await insertRows(workspace, "companies", [
    { name: "Acme", size: 10, website: "https://Acme.example" },
    { name: "Zeta", size: null, website: null },
  ]);
  const [red, blue, green] = tags;
  const contacts = await insertRows(workspace, "contacts", [
    {
      first_name: "0",
      last_name: "Lovelace",
      title: "a,b",
      tags: [red, blue],
      has_newsletter: true,
      last_seen: "2024-05-01T10:00:00.000001Z",
      company_id: companies[0],
      email_jsonb: [{ email: "Ada@Example.com", type: "Work" }],
      phone_jsonb: [{ number: "+44 20 7946 0001" }],
    },
    {
      first_name: "1",
      last_name: "lovelace",
      title: "100%",
      tags: [red],
      has_newsletter: false,
      last_seen: "2024-05-01T10:00:00.000002Z",
      company_id: companies[1],
      email_jsonb: [{ email: "bob@example.com" }, { email: "ada@home.example" }],
    },
    {
      first_name: "2",
      last_name: "O'Hara",
      title: "back\\slash",
      tags: [green],
      last_seen: "2024-05-02T00:00:00Z",
      sales_id: null,
    },
    { first_name: "3", last_name: null, title: '"quoted" (brackets)', tags: [] },
  ]);
  await insertRows(workspace, "tasks", [{ contact_id: contacts[0] }, { contact_id: contacts[0] }]);
  return { workspace, tags, companies, contacts };
}

const encode = encodeURIComponent;

/** Query → numbers of the contacts that it finds. */
function cases({ tags, companies, contacts, workspace }: Sample): Record<string, string> {
  const [red, blue, green] = tags;
  return {
    "": "0123",
    "last_name=Lovelace": "0",
    "last_name@eq=lovelace": "1",
    "last_name@neq=Lovelace": "123",
    "last_name@ilike=love*": "01",
    "last_name@like=*love*": "1",
    "last_name@like=Love%25": "0",
    "last_name@ilike=*HARA": "2",
    [`title@like=${encode("100\\%")}`]: "1",
    [`title@like=${encode("back\\\\*")}`]: "2",
    [`title@like=${encode("back\\")}`]: "",
    [`title=${encode("back\\slash")}`]: "2",
    [`last_name=${encode("O'Hara")}`]: "2",
    [`title@in=${encode('"a,b",100%')}`]: "01",
    [`title@in=${encode('("a,b","\\"quoted\\" (brackets)")')}`]: "03",
    "last_name@in=(Lovelace,lovelace)": "01",
    "last_name@in=null": "",
    "last_name@is=null": "3",
    "last_name=is.null": "3",
    "last_name@is=not.null": "012",
    "last_name=not.is.null": "012",
    "first_name@gt=1": "23",
    "first_name@gte=1": "123",
    "first_name@lt=1": "0",
    "first_name@lte=1&first_name@gt=0": "1",
    "first_name@neq=1&first_name@neq=2": "03",
    "first_name=1&first_name=2": "",
    [`id=${contacts[2]}`]: "2",
    [`id@in=${contacts[0]},${contacts[3]}`]: "03",
    [`id@gt=${contacts[1]}&id@lte=${contacts[3]}`]: "23",
    "id=-1": "",
    "id=999999999999999999": "",
    [`company_id=${companies[0]}`]: "0",
    "company_id@is=null": "23",
    "company_name=Acme": "0",
    "company_name@ilike=z*": "1",
    [`sales_id=${workspace.admin.id}`]: "013",
    "nb_tasks=2": "0",
    "nb_tasks@gt=0": "0",
    "nb_tasks@lt=1": "123",
    "has_newsletter=true": "0",
    "has_newsletter@neq=true": "123",
    "has_newsletter@is=false": "1",
    "has_newsletter@is=null": "23",
    "last_seen=2024-05-01T10:00:00.000001Z": "0",
    "last_seen@gt=2024-05-01T10:00:00.000001Z": "12",
    "last_seen@gte=2024-05-01T12:00:00.000002+02:00": "12",
    "last_seen@gte=2024-05-01T12:00:00.000002%2B02:00": "12",
    "last_seen@gte=2024-05-01T12:00:00.000002%2B0200": "12",
    "last_seen@lt=2024-05-02": "01",
    "last_seen@gte=2024-05-02": "2",
    "last_seen@in=2024-05-02,2024-05-03": "2",
    [`tags=${red}`]: "01",
    [`tags@cs={${red},${blue}}`]: "0",
    [`tags@cs=${red}`]: "01",
    [`tags@cs={${green}}`]: "2",
    [`tags@cd={${red},${green}}`]: "123",
    [`tags@ov={${blue},${green}}`]: "02",
    "tags@cs={}": "0123",
    "tags@is=null": "",
    "email_jsonb=ada@example.com": "0",
    "email_jsonb=ADA@EXAMPLE.COM": "0",
    "email_jsonb@eq=ada@home.example": "1",
    "email_jsonb=ada@example": "",
    "email_jsonb@is=null": "23",
    [`phone_jsonb=${encode("+44 20 7946 0001")}`]: "0",
    "avatar@is=null": "0123",
  };
}

test("contacts.list finds the matching records for every operator on every kind of column", async () => {
  const data = await sample();
  for (const [query, expected] of Object.entries(cases(data))) {
    const { status, body } = await data.workspace.admin.api.get(
      `/contacts?sort=id&select=first_name&${query}`,
    );
    assertEquals(status, 200, `${query}: ${JSON.stringify(body)}`);
    const found = body.data.map(({ first_name }: { first_name: string }) => first_name).join("");
    assertEquals(found, expected, query);
  }
});

test("companies.list compares websites without regard to case, and sizes as numbers", async () => {
  const { workspace } = await sample();
  const names = async (query: string) =>
    (await workspace.admin.api.get(`/companies?sort=name&${query}`)).body.data
      .map(({ name }: { name: string }) => name).join();
  assertEquals(await names("website=HTTPS://ACME.EXAMPLE"), "Acme");
  assertEquals(await names("size=10"), "Acme");
  assertEquals(await names("size@lt=99999"), "Acme");
  assertEquals(await names("nb_contacts=1"), "Acme,Zeta");
  assertEquals(await names("context_links@is=null"), "Acme,Zeta");
});

/** Type → values that its columns refuse. */
const RUBBISH: Record<string, string[]> = {
  bigint: ["", "x", "1.5", "1e3", "99999999999999999999", "1;select", "0x1", " 1"],
  boolean: ["", "yes", "1", "TRUE"],
  timestamptz: [
    "",
    "now",
    "today",
    "2024",
    "2024-13-01",
    "2024-02-30",
    "2023-02-29",
    "0000-01-01",
    "2024-05-01T25:00",
    "2024-05-01T10:00:00+16:00",
    "99999-01-01",
    "infinity",
  ],
  "bigint[]": ["x", "{1", "1;2", "{1,}", "{99999999999999999999}", "{{1}}"].filter((value) =>
    value !== "{1"
  ),
  text: ["\0"],
  "extensions.citext": ["\0"],
  jsonb: ["\0"],
};

for (
  const { path, listing } of [
    { path: "/contacts", listing: contacts.list },
    { path: "/companies", listing: companies.list },
  ]
) {
  test(`${path}: every column and operator answers 400 naming it for a value of another type`, async () => {
    const { admin } = await createWorkspace();
    for (const column of Object.values(listing.parameters.columns)) {
      for (const operator of column.operators) {
        const values = operator === "is" ? ["", "maybe", "NULL", "0"] : RUBBISH[column.type] ?? [];
        for (const value of values.slice(0, 4)) {
          const name = `${column.name}@${operator}`;
          const answer = await admin.api.get(`${path}?${name}=${encode(value)}`);
          assertProblem(answer, 400, "invalid_parameter");
          assertEquals(Object.keys(answer.body.errors), [name]);
        }
      }
    }
  });
}

test("contacts.list answers 400 for times, numbers and lists that Postgres would refuse", async () => {
  const { admin } = await createWorkspace();
  const columns = {
    id: "bigint",
    last_seen: "timestamptz",
    has_newsletter: "boolean",
    tags: "bigint[]",
  };
  for (const [column, type] of Object.entries(columns)) {
    for (const value of RUBBISH[type] ?? []) {
      assertProblem(
        await admin.api.get(`/contacts?${column}=${encode(value)}`),
        400,
        "invalid_parameter",
      );
    }
  }
  const many = Array.from({ length: 1_001 }, (_, index) => index).join();
  assertProblem(await admin.api.get(`/contacts?id@in=${many}`), 400, "invalid_parameter");
  const conditions = "id@neq=1&".repeat(31);
  assertProblem(await admin.api.get(`/contacts?${conditions}`), 400, "invalid_parameter");
});

test("contacts.list answers 400 with the allowed names to unknown names", async () => {
  const { admin } = await createWorkspace();
  for (
    const query of [
      "nope=1",
      "first_name@nope=1",
      "tags@gt=1",
      "has_newsletter@gt=true",
      "workspace_id=1",
      "search=x",
      "email_fts=x",
      "__proto__=1",
      "constructor=1",
      "toString@eq=1",
      "first_name@eq@eq=1",
      "@eq=1",
      "page=1",
      "order=id",
    ]
  ) {
    const answer = await admin.api.get(`/contacts?${query}`);
    assertProblem(answer, 400, "unknown_parameter");
    assert(answer.body.allowed.includes("first_name"), query);
  }
  for (
    const query of [
      "sort=nope",
      "sort=tags",
      "sort=email_jsonb",
      "sort=first_name desc",
      "select=nope",
      "select=search",
      "select=workspace_id",
      "select=*",
      "include=nope",
      "include=__proto__",
      "avatar@is=1",
    ]
  ) {
    const answer = await admin.api.get(`/contacts?${query}`);
    assertProblem(answer, 400, "invalid_parameter");
    assertGreater(answer.body.allowed.length, 0, query);
  }
});

test("contacts.list drops unknown names with a warning under Prefer: handling=lenient", async () => {
  const { admin } = await createWorkspace();
  const lenient = { Prefer: "handling=lenient" };
  const { status, headers } = await admin.api.get("/contacts?nope=1&first_name=x", lenient);
  assertEquals(status, 200);
  assertEquals(headers.get("Preference-Applied"), "handling=lenient");
  assert(headers.get("Warning")?.includes("nope"));
  assertProblem(await admin.api.get("/contacts?id=x", lenient), 400, "invalid_parameter");
});

test("contacts.list answers 400 to repeated single parameters and to limits out of range", async () => {
  const { admin } = await createWorkspace();
  for (const name of ["sort", "limit", "cursor", "count", "select", "include", "q"]) {
    const answer = await admin.api.get(`/contacts?${name}=1&${name}=1`);
    assertProblem(answer, 400, "invalid_parameter");
    assertEquals(Object.keys(answer.body.errors), [name]);
  }
  for (const limit of ["0", "-1", "201", "1.5", "x", "", "1e2", "99999999999"]) {
    assertProblem(await admin.api.get(`/contacts?limit=${limit}`), 400, "invalid_parameter");
  }
  assertEquals((await admin.api.get("/contacts?limit=200")).status, 200);
  assertProblem(await admin.api.get("/contacts?count=all"), 400, "invalid_parameter");
});

test("contacts.list shows 25 records by default, and only the fields of select", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(workspace, "contacts", Array(30).fill({ first_name: "a", last_name: "b" }));
  const page = await api.get("/contacts");
  assertEquals([page.body.data.length, page.headers.get("Content-Range")], [25, "0-24/*"]);
  assertEquals("total" in page.body, false);
  const { body } = await api.get("/contacts?select=last_name,first_name&limit=1");
  assertEquals(Object.entries(body.data[0]), [["last_name", "b"], ["first_name", "a"]]);
});

test("contacts.list counts exactly, and estimates exactly up to a bound", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  await insertRows(workspace, "contacts", Array(30).fill({ first_name: "a" }));
  const exact = await api.get("/contacts?count=exact&limit=7");
  assertEquals([exact.body.total, exact.headers.get("Content-Range")], [30, "0-6/30"]);
  const second = await api.get(`/contacts?count=exact&limit=7&cursor=${exact.body.next_cursor}`);
  assertEquals([second.body.total, second.headers.get("Content-Range")], [30, "7-13/30"]);
  const none = await api.get("/contacts?count=exact&first_name=z");
  assertEquals([none.body.total, none.headers.get("Content-Range")], [0, "*/0"]);
  const whole = await api.get("/contacts?count=estimated&limit=200");
  assertEquals([whole.body.total, whole.headers.get("Content-Range")], [30, "0-29/30"]);
  const part = await api.get("/contacts?count=estimated&limit=7");
  assertEquals([part.body.total, part.headers.get("Content-Range")], [30, "0-6/30"]);
  await sql`
    insert into public.contacts (workspace_id, sales_id)
    select ${workspace.id}, ${workspace.admin.id} from generate_series(1, 10000)`;
  const many = await api.get("/contacts?count=estimated&limit=7");
  assertEquals([many.body.total, many.body.total_at_least], [undefined, 10_000]);
  assertEquals(many.headers.get("Content-Range"), "0-6/*");
  assertEquals((await api.get("/contacts?count=exact&limit=7")).body.total, 10_030);
});

test("contacts.list includes company, owner and tags of the caller's workspace", async () => {
  const { workspace, companies, tags } = await sample();
  const { body } = await workspace.admin.api.get(
    "/contacts?sort=id&include=company,owner,tag_records",
  );
  assertEquals(body.data[0].company, {
    id: companies[0],
    name: "Acme",
    website: "https://Acme.example",
  });
  assertEquals(body.data[0].owner, {
    id: workspace.admin.id,
    first_name: "Ada",
    last_name: "Admin",
  });
  assertEquals(
    body.data[0].tag_records,
    tags.slice(0, 2).map((id, index) => ({ id, name: `t${index + 1}`, color: "c" })),
  );
  assertEquals([body.data[2].company, body.data[2].owner], [null, null]);
  assertEquals(body.data[3].tag_records, []);
});
