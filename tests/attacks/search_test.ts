/** Searches that are costly to answer are refused, or stopped after two seconds. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  createDatabase,
  type RequestScope,
} from "../../supabase/functions/_shared/database/database.ts";
import { runSearch } from "../../supabase/functions/_shared/list/list.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";
import { assertProblem } from "../support/answers.ts";
import { testSettings } from "../support/app.ts";
import { foundWorkspace, sql } from "../support/database.ts";
import { only } from "../support/exactly.ts";
import { insertRow, insertRows } from "../support/records.ts";
import { createWorkspace, test } from "../support/workspace.ts";

/** Names that are similar to a word, but not to the others. */
const SIMILAR = Array.from({ length: 25 }, (_, index) => `ab${String(index)}cdxfgh`);

test("every search refuses more than six words, and more than twelve parts of words", async () => {
  const { admin } = await createWorkspace();
  const tooMany = ["a b c d e f g", "a,b;c d\ne f g", "a.b.c.d.e.f.g.h.i.j.k.l.m"];
  const allowed = ["a b c d e f", "a & b - c / d e f", "jose.nunez+news@sub.example.com b c d"];
  const paths = ["/contacts?q=", "/search?q=", "/deals/board?q=", "/tags?q=", "/users?q="];
  for (const path of paths) {
    for (const q of tooMany) {
      const answer = await admin.api.get(path + encodeURIComponent(q));
      assertProblem(answer, 400, "invalid_parameter");
      assertStringIncludes(answer.body.errors.q, "Search for at most");
    }
    for (const q of allowed) {
      assertEquals((await admin.api.get(path + encodeURIComponent(q))).status, 200, path + q);
    }
  }
  const bulk = { filter: { q: "a b c d e f g" }, delete: true };
  assertProblem(await admin.api.post("/contacts/bulk", bulk), 422, "validation_failed");
});

test("a search compares little of each contact, however long its names and addresses are", async () => {
  const workspace = await createWorkspace();
  const name = SIMILAR.join(" ").repeat(2).slice(0, 500);
  const email_jsonb = Array.from({ length: 50 }, (_, index) => ({
    email: `${name.replaceAll(" ", ".").slice(0, 240)}${index}@example.com`,
    type: "Work",
  }));
  const contact = { first_name: name, last_name: name, email_jsonb };
  const ids = await insertRows(workspace, "contacts", Array(300).fill(contact));
  const { length } = only(
    await sql<{ length: number }[]>`
      select char_length(private.contact_spelling(first_name, last_name, email_jsonb)) as length
      from public.contacts where id = ${Math.min(...ids)}`,
  );
  assert(length <= 300);
  const words = SIMILAR.slice(0, 6).map((word) => word.replace("x", "e")).join(" ");
  const answer = await workspace.admin.api.get(`/search?q=${encodeURIComponent(words)}`);
  // 503 would mean that it took 10 s.
  assert(answer.status === 200 || answer.body.code === "search_too_slow", answer.body.code);
});

test("a search reads the longest text to its end", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const text = `${"filler ".repeat(1_428)}last`;
  assertEquals(text.length, 10_000);
  const contact_id = await insertRow(workspace, "contacts", { background: text });
  await insertRow(workspace, "contact_notes", { contact_id, text });
  assertEquals((await api.get("/contacts?q=last")).body.data.length, 1);
  assertEquals((await api.get("/search?q=last&kinds=contact_notes")).body.data.length, 1);
});

test("a search reads the first 10,000 characters of a contact's addresses", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const email_jsonb = Array.from({ length: 60 }, (_, index) => ({
    email: `number${index}.${"a".repeat(200)}@example.com`,
    type: "Work",
  }));
  await insertRow(workspace, "contacts", { email_jsonb });
  assertEquals((await api.get("/contacts?q=number20")).body.data.length, 1);
  assertEquals((await api.get("/contacts?q=number59")).body.data.length, 0);
});

test("a search that takes longer than two seconds is stopped, and its connection is free", async () => {
  const { admin } = await foundWorkspace();
  const database = createDatabase(await testSettings({ databaseConnections: 1 }));
  const scope: RequestScope = {
    caller: { userId: admin.user_id, claims: admin.claims, credential: "token" },
    operation: "tests.run",
    recorded: {},
    requestId: crypto.randomUUID(),
    authorise() {},
    timing: { databaseMs: 0 },
  };
  const slow = () =>
    database.read(scope, (tx) => runSearch(tx, async () => await tx`select pg_sleep(60)`));
  const problem = await assertRejects(slow, Problem);
  assertEquals([problem.status, problem.code], [422, "search_too_slow"]);
  const limits = await database.read(scope, async (tx) => {
    const limit = async () => only(await tx`select current_setting('statement_timeout') as limit`);
    const inside = await runSearch(tx, limit);
    return [inside.limit, (await limit()).limit];
  });
  assertEquals(limits, ["2s", "10s"]);
  await database.close();
});
