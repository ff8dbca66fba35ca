/** system.health, system.ready and system.openapi. */
import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../../supabase/functions/api/version.ts";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { readFile } from "../../support/sourceFiles.ts";
import { api, test } from "../../support/workspace.ts";

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
