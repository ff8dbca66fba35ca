/** Exports: all records as CSV or lines of JSON, in a stream. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { insertRow, insertRows } from "../support/records.ts";
import { createWorkspace, sql, stack, test, type Workspace } from "../support/workspace.ts";

const CONTACT_HEADERS =
  "id,first_name,last_name,gender,title,background,first_seen,last_seen,has_newsletter,status,tags," +
  "company_id,sales_id,linkedin_url,company_name,nb_tasks,company,sales,email_work,email_home," +
  "email_other,phone_work,phone_home,phone_other";

/** The records of an export as CSV, by header. */
async function csv(workspace: Workspace, path: string): Promise<Record<string, string>[]> {
  const { status, headers, body } = await workspace.admin.api.get(path);
  assertEquals(status, 200, body);
  assert(headers.get("Content-Type")?.startsWith("text/csv; charset=utf-8"));
  assert(body.endsWith("\r\n"));
  return parse(body, { skipFirstRow: true });
}

test("contacts.list exports CSV under the headers of an import, relations by name", async () => {
  const workspace = await createWorkspace();
  const company_id = await insertRow(workspace, "companies", { name: 'Quote "&" Comma, Ltd' });
  const [a, b] = await insertRows(workspace, "tags", [
    { name: "VIP", color: "#fff" },
    { name: "Früh", color: "#fff" },
  ]);
  const id = await insertRow(workspace, "contacts", {
    first_name: "Ada",
    last_name: "Lovelace",
    background: "Two\nlines, and three",
    has_newsletter: true,
    last_seen: "2026-05-04T03:02:01.123456Z",
    tags: [b, a],
    company_id,
    email_jsonb: [
      { email: "ada@work.test", type: "Work" },
      { email: "ada@home.test", type: "Home" },
      { email: "ada@second.test", type: "Work" },
      { email: "ada@bare.test" },
    ],
    phone_jsonb: [{ number: "030 123", type: "Home" }],
  });
  await insertRow(workspace, "tasks", { contact_id: id, text: "call" });
  const { headers, body } = await workspace.admin.api.get("/contacts?format=csv");
  assertEquals(headers.get("Content-Disposition"), 'attachment; filename="contacts.csv"');
  assertEquals(body.split("\r\n")[0], CONTACT_HEADERS);
  assertEquals(await csv(workspace, "/contacts?format=csv"), [{
    id: String(id),
    first_name: "Ada",
    last_name: "Lovelace",
    gender: "",
    title: "",
    background: "Two\nlines, and three",
    first_seen: "",
    last_seen: "2026-05-04T03:02:01.123456+00:00",
    has_newsletter: "true",
    status: "",
    tags: "Früh, VIP",
    company_id: String(company_id),
    sales_id: String(workspace.admin.id),
    linkedin_url: "",
    company_name: 'Quote "&" Comma, Ltd',
    nb_tasks: "1",
    company: 'Quote "&" Comma, Ltd',
    sales: "Ada Admin",
    email_work: "ada@work.test, ada@second.test",
    email_home: "ada@home.test",
    email_other: "ada@bare.test",
    phone_work: "",
    phone_home: "030 123",
    phone_other: "",
  }]);
});

test("contacts.list exports no cell that a spreadsheet takes for a formula", async () => {
  const workspace = await createWorkspace();
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://a")'];
  await insertRows(workspace, "contacts", formulas.map((last_name) => ({ last_name })));
  await insertRow(workspace, "companies", { name: "=cmd|' /C calc'!A0", website: "@evil" });
  const contact_id = await insertRow(workspace, "contacts", {
    last_name: "harmless = 1",
    phone_jsonb: [{ number: "+49 30 1", type: "Work" }],
  });
  await insertRow(workspace, "deals", { name: "-2+3", stage: "won", amount: -5 });
  await insertRow(workspace, "tasks", { contact_id, text: "=1" });
  const contacts = await csv(workspace, "/contacts?format=csv");
  assertEquals(
    contacts.map((row) => row.last_name),
    [...formulas.map((text) => `'${text}`), "harmless = 1"],
  );
  assertEquals(contacts.at(-1)?.phone_work, "'+49 30 1");
  const [company] = await csv(workspace, "/companies?format=csv");
  assertEquals([company?.name, company?.website], ["'=cmd|' /C calc'!A0", "'@evil"]);
  const [deal] = await csv(workspace, "/deals?format=csv");
  assertEquals([deal?.name, deal?.amount], ["'-2+3", "-5"]);
  const [task] = await csv(workspace, "/tasks?format=csv");
  assertEquals([task?.text, task?.contact], ["'=1", "harmless = 1"]);
});

test("contacts.list exports all records, with the filters, words and sort of the list", async () => {
  const workspace = await createWorkspace();
  const ids = await insertRows(
    workspace,
    "contacts",
    Array.from({ length: 2_345 }, (_, index) => ({
      last_name: `Common ${String(index % 97).padStart(2, "0")}`,
      status: index % 2 === 0 ? "hot" : null,
    })),
  );
  await insertRow(await createWorkspace(), "contacts", { last_name: "Common" });
  const exported = async (query: string) =>
    (await csv(workspace, `/contacts?format=csv${query}`)).map((row) => Number(row.id));
  assertEquals(await exported(""), ids);
  assertEquals(await exported("&q=common"), ids);
  assertEquals(await exported("&status=hot"), ids.filter((_, index) => index % 2 === 0));
  const sorted = await exported("&sort=-last_name,id");
  assertEquals([sorted.length, new Set(sorted).size, sorted[0]], [2_345, 2_345, ids[96]]);
  assertEquals((await exported("&q=common+13")).length, 25);
  const { headers, body } = await workspace.admin.api.get(
    "/contacts?format=ndjson&select=id,last_name&include=owner",
  );
  const text = typeof body === "string" ? body : "";
  assertEquals(headers.get("Content-Type"), "application/x-ndjson; charset=utf-8");
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map((line) => line.id), ids);
  assertEquals(Object.keys(lines[0]), ["id", "last_name", "owner"]);
});

test("contacts.list exports only the headers when there is no record", async () => {
  const { admin } = await createWorkspace();
  assertEquals((await admin.api.get("/contacts?format=csv")).body, `${CONTACT_HEADERS}\r\n`);
  const response = await fetch(`${stack.functionUrl}/contacts?format=ndjson`, {
    headers: { Authorization: `Bearer ${admin.token}` },
  });
  assertEquals(await response.text(), "");
});

test("contacts.list answers a problem instead of a file to a request that it cannot export", async () => {
  const { admin } = await createWorkspace();
  const wrong = ["format=xlsx", "format=csv&limit=5", "format=ndjson&cursor=abc"];
  wrong.push("format=csv&count=exact", "format=csv&select=id", "format=csv&include=owner");
  wrong.push("format=csv&id=99999999999999999", "format=csv&sort=email_jsonb");
  for (const query of wrong.slice(0, -2).concat(wrong.at(-1) ?? "")) {
    assertProblem(await admin.api.get(`/contacts?${query}`), 400, "invalid_parameter");
  }
  assertProblem(await admin.api.get("/users?format=csv"), 400, "unknown_parameter");
  assertEquals((await admin.api.get("/contacts?format=json")).body.data, []);
});

test("contacts.list releases its connections when clients cancel an export", async () => {
  const workspace = await createWorkspace();
  const rows = Array.from({ length: 6_000 }, () => ({ background: "x".repeat(500) }));
  await insertRows(workspace, "contacts", rows);
  await withApp({ databaseConnections: 1 }, async ({ fetch: send, lines }) => {
    const request = () =>
      new Request("http://localhost/api/contacts?format=ndjson", {
        headers: { Authorization: `Bearer ${workspace.admin.token}` },
      });
    // Slow clients hold no connection: five of them share one.
    const open = await Promise.all(Array.from({ length: 5 }, () => send(request())));
    const readers = open.map((response) => response.body?.getReader());
    for (const reader of readers) assertEquals((await reader?.read())?.done, false);
    assertEquals((await (await send(request())).text()).trimEnd().split("\n").length, 6_000);
    for (const reader of readers) await reader?.cancel();
    assertEquals((await (await send(request())).text()).trimEnd().split("\n").length, 6_000);
    assertEquals(lines.filter((line) => "error" in line && line.error), []);
  });
});

test("contacts.list stops an export when the member is disabled meanwhile", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  await insertRows(workspace, "contacts", Array.from({ length: 6_000 }, () => ({ title: "x" })));
  await withApp({}, async ({ fetch: send, lines }) => {
    const response = await send(
      new Request("http://localhost/api/contacts?format=ndjson", {
        headers: { Authorization: `Bearer ${rep.token}` },
      }),
    );
    assertEquals(response.status, 200);
    const reader = response.body?.getReader();
    assertEquals((await reader?.read())?.done, false);
    await sql`update public.sales set disabled = true where id = ${rep.id}`;
    let failed: unknown;
    try {
      while (!(await reader?.read())?.done);
    } catch (error) {
      failed = error;
    }
    assert(failed instanceof Error);
    assert(lines.some((line) => "error" in line));
  });
});
