/** The gateway itself: index, health, readiness, document. */
import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../../supabase/functions/api/version.ts";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { readFile } from "../../support/sourceFiles.ts";
import { answerOf, api, test } from "../../support/workspace.ts";

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

test("system.openapi serves the committed document, with the project's address", async () => {
  const { status, body: { servers, ...document } } = await api().get("/openapi.json");
  assertEquals(status, 200);
  assertMatch(document.openapi, /^3\.1\./);
  const { servers: _, ...committed } = JSON.parse(await readFile("client-sdk/openapi.json"));
  assertEquals(document, withoutExamplesOfAnswers(committed));
  const [{ url }] = servers;
  assertEquals((await fetch(`${url}/api/health`).then((response) => response.json())).status, "ok");
});

/** The function's bundle has no room for examples of answers. The committed document has them. */
function withoutExamplesOfAnswers(document: { paths: Record<string, Record<string, unknown>> }) {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key !== "responses") return value;
    for (const { content } of Object.values<{ content?: Record<string, object> }>(value)) {
      for (const type of Object.values(content ?? {})) Reflect.deleteProperty(type, "example");
    }
    return value;
  });
}

test("system.index says where the documents are", async () => {
  const { status, body } = await api().get("");
  assertEquals([status, body.name], [200, "Portico"]);
  for (const [name, url] of Object.entries(body.links)) {
    const { status } = await answerOf(await fetch(String(url)));
    assertEquals(status, name === "me" ? 401 : 200, name);
  }
});
