/** Health, readiness, the served document, parameters, and entity tags. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../supabase/functions/api/version.ts";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { readFile } from "../support/sourceFiles.ts";
import { api, createWorkspace, test } from "../support/workspace.ts";

test("system.health answers without a database", async () => {
  await withApp({ databaseUrl: "postgresql://a:b@127.0.0.1:1/c" }, async (app) => {
    const answer = await app.send("/api/health");
    assertEquals([answer.status, answer.body], [200, { status: "ok", version: VERSION }]);
  });
});

test("system.ready names the part that cannot be reached", async () => {
  await withApp({}, async (app) => {
    const answer = await app.send("/api/ready");
    assertEquals(answer.body, { status: "ready", database: "ok", auth: "ok" });
  });
  await withApp({ databaseUrl: "postgresql://a:b@127.0.0.1:1/c" }, async (app) => {
    const answer = await app.send("/api/ready");
    assertProblem(answer, 503, "not_ready");
    assertEquals([answer.body.database, answer.body.auth], ["database_unavailable", "ok"]);
    assertEquals(answer.headers.get("Retry-After"), "5");
  });
  await withApp({ supabaseUrl: "http://127.0.0.1:1" }, async (app) => {
    const answer = await app.send("/api/ready");
    assertProblem(answer, 503, "not_ready");
    assertEquals([answer.body.database, answer.body.auth], ["ok", "auth_unavailable"]);
  });
});

test("system.openapi serves the committed document", async () => {
  const { status, body } = await api().get("/openapi.json");
  assertEquals(status, 200);
  assertMatch(body.openapi, /^3\.1\./);
  assertEquals(body, JSON.parse(await readFile("client-sdk/openapi.json")));
});

test("knownParameters drops unknown ones with a warning under Prefer: handling=lenient", async () => {
  const { admin } = await createWorkspace();
  const path = "/contacts?no_such=1&first_name@no_such=2&limit=1";
  assertProblem(await admin.api.get(path), 400, "unknown_parameter");
  for (
    const prefer of [
      "handling=lenient",
      'return=minimal, handling="lenient"',
      "respond-async; wait=1, Handling=Lenient",
    ]
  ) {
    const answer = await admin.api.get(path, { Prefer: prefer });
    assertEquals(answer.status, 200, prefer);
    assertEquals(answer.headers.get("Preference-Applied"), "handling=lenient");
    assertStringIncludes(
      answer.headers.get("Warning") ?? "",
      '299 - "Ignored parameters: no_such, first_name%40no_such"',
    );
  }
  for (const prefer of ["handling=strict", "xhandling=lenient", "handling=lenientx", ""]) {
    assertProblem(await admin.api.get(path, { Prefer: prefer }), 400, "unknown_parameter");
  }
  const known = await admin.api.get("/contacts?limit=1", { Prefer: "handling=lenient" });
  assertEquals(known.headers.get("Warning"), null);
});

test("knownParameters forgives no malformed value, and no more than 100 parameters", async () => {
  const { admin } = await createWorkspace();
  const lenient = { Prefer: "handling=lenient" };
  assertProblem(await admin.api.get("/contacts?limit=0", lenient), 400, "invalid_parameter");
  const many = Array.from({ length: 101 }, (_, index) => `p${index}=1`).join("&");
  assertProblem(await admin.api.get(`/contacts?${many}`, lenient), 400, "unknown_parameter");
});

test("knownParameters passes what platform and clients add", async () => {
  const { admin } = await createWorkspace();
  const answer = await admin.api.get("/contacts?apikey=x&forceFunctionRegion=eu-west-1");
  assertEquals(answer.status, 200);
});

test("If-Match lets the version through that was read, and refuses any other with 412", async () => {
  const { admin } = await createWorkspace();
  const created = await admin.api.post("/contacts", { first_name: "Ada" });
  const path = `/contacts/${created.body.id}`;
  const tag = created.headers.get("ETag") ?? "";
  assertEquals((await admin.api.get(path)).headers.get("ETag"), tag);
  const changed = await admin.api.patch(path, { title: "Countess" }, { "If-Match": tag });
  assertEquals(changed.status, 200);
  const next = changed.headers.get("ETag") ?? "";
  assert(next !== tag);

  const refused = await admin.api.patch(path, { title: "Analyst" }, { "If-Match": tag });
  assertProblem(refused, 412, "precondition_failed");
  assertEquals(refused.body.current.title, "Countess");
  assertEquals(refused.headers.get("ETag"), next);
  const removal = await admin.api.delete(path, { "If-Match": tag });
  assertProblem(removal, 412, "precondition_failed");
  assertEquals((await admin.api.get(path)).headers.get("ETag"), next);

  // Proxies that compress an answer make its tag a weak one.
  for (const header of ["*", next, `W/${next}`, `"other", ${next}`]) {
    const answer = await admin.api.patch(path, {}, { "If-Match": header });
    assertEquals(answer.status, 200, header);
  }
});

test("If-Match is refused with 400 when it is no entity tag", async () => {
  const { admin } = await createWorkspace();
  const { body } = await admin.api.post("/contacts", { first_name: "Ada" });
  for (const header of ["unquoted", '"open', '"a" "b"', '"a",', "W/x"]) {
    const answer = await admin.api.patch(`/contacts/${body.id}`, {}, { "If-Match": header });
    assertProblem(answer, 400, "invalid_header");
    assertEquals(Object.keys(answer.body.errors), ["if-match"]);
  }
});

test("If-Match lets exactly one of two changes through that read the same version", async () => {
  const { admin } = await createWorkspace();
  const { body, headers } = await admin.api.post("/contacts", { first_name: "Ada" });
  const tag = { "If-Match": headers.get("ETag") ?? "" };
  const answers = await Promise.all(
    ["one", "two", "three", "four"].map((title) =>
      admin.api.patch(`/contacts/${body.id}`, { title }, tag)
    ),
  );
  assertEquals(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
});
