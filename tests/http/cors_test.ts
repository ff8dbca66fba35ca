/** The CORS allowlist: allowed and refused origins, and the headers of every answer. */
import { assert, assertEquals } from "@std/assert";
import { readSettings } from "../../supabase/functions/_shared/settings.ts";
import { assertProblem } from "../support/answers.ts";
import { testSettings, withApp } from "../support/app.ts";
import { type Answer, answerOf, createWorkspace, stack, test } from "../support/workspace.ts";

/** The origins that `deno task test` allows, and the default local origins. */
const LISTED = [
  "https://app.example.com",
  "https://pr-17.preview.example.com",
  "http://localhost",
  "http://localhost:5173",
  "http://localhost:4321",
  "http://127.0.0.1:3000",
  "http://127.0.0.1:61234",
];
const UNLISTED = [
  "null",
  "https://example.com",
  "https://evil.com",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://app.example.com.evil.com",
  "https://app.example.com@evil.com",
  "https://evil-app.example.com",
  "https://xapp.example.com",
  "https://app.example.comx",
  "https://appxexample.com",
  "https://app.example.com/",
  "https://APP.example.com",
  "https://preview.example.com",
  "https://.preview.example.com",
  "https://a.b.preview.example.com",
  "https://evil.com/.preview.example.com",
  "https://evil.com#.preview.example.com",
  "https://a.preview.example.com.evil.com",
  "https://a.previewxexample.com",
  "http://a.preview.example.com",
  "https://localhost:5173",
  "http://localhost:",
  "http://localhost:5173.evil.com",
  "http://localhost.evil.com:5173",
  "http://evil-localhost:5173",
  "*",
];

async function request(
  origin: string | undefined,
  path: string,
  init: RequestInit = {},
): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (origin !== undefined) headers.set("Origin", origin);
  return await answerOf(await fetch(stack.functionUrl + path, { ...init, headers }));
}

function preflight(origin: string, path = "/contacts"): Promise<Answer> {
  return request(origin, path, {
    method: "OPTIONS",
    headers: {
      "Access-Control-Request-Method": "PATCH",
      "Access-Control-Request-Headers": "authorization,content-type,if-match",
    },
  });
}

function names(answer: Answer, header: string): string[] {
  return (answer.headers.get(header) ?? "").toLowerCase().split(/,\s*/);
}

test("cors accepts a listed origin, with credentials and readable headers", async () => {
  for (const origin of LISTED) {
    const answer = await request(origin, "/health");
    assertEquals(answer.status, 200);
    assertEquals(answer.headers.get("Access-Control-Allow-Origin"), origin);
    assertEquals(answer.headers.get("Access-Control-Allow-Credentials"), "true");
    const exposed = names(answer, "Access-Control-Expose-Headers");
    for (const name of ["etag", "location", "retry-after", "x-request-id", "content-range"]) {
      assert(exposed.includes(name), name);
    }
  }
});

test("cors answers a preflight from a listed origin before authentication", async () => {
  for (const origin of LISTED) {
    const answer = await preflight(origin);
    assertEquals(answer.status, 204);
    assertEquals(answer.headers.get("Access-Control-Allow-Origin"), origin);
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      assert(names(answer, "Access-Control-Allow-Methods").includes(method), method);
    }
    const allowed = names(answer, "Access-Control-Allow-Headers");
    for (
      const name of [
        "authorization",
        "apikey",
        "x-client-info",
        "content-type",
        "idempotency-key",
        "if-match",
        "prefer",
        "traceparent",
        "sentry-trace",
      ]
    ) assert(allowed.includes(name), name);
    assertEquals(answer.headers.get("Access-Control-Max-Age"), "7200");
  }
});

test("cors gives a preflight from an unlisted origin no CORS header", async () => {
  for (const origin of UNLISTED) {
    const answer = await preflight(origin);
    assertEquals(answer.status, 204, origin);
    assertNoPermission(answer, origin);
    assert(names(answer, "Vary").includes("origin"));
  }
});

test("cors refuses an unlisted origin with 403 before anything runs", async () => {
  const { admin } = await createWorkspace();
  const headers = { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ first_name: "Mallory" });
  for (const origin of UNLISTED) {
    const answer = await request(origin, "/contacts", { method: "POST", headers, body });
    assertProblem(answer, 403, "origin_not_allowed");
    assertNoPermission(answer, origin);
    assertEquals(answer.headers.get("RateLimit"), null);
  }
  assertEquals((await admin.api.get("/contacts")).body.data, []);
});

test("cors names a refused origin and the variable of the allowlist in the log", async () => {
  await withApp({ allowedOrigins: ["https://app.example.com"] }, async (app) => {
    const preflight = { "Access-Control-Request-Method": "GET" };
    for (const method of ["OPTIONS", "GET"]) {
      const headers = { Origin: "https://other.example.com", ...preflight };
      await app.send("/api/health", { method, headers });
      const { code, error } = app.lines.at(-1) ?? {};
      const expected = "ALLOWED_ORIGINS does not contain https://other.example.com";
      assertEquals([code, error], ["origin_not_allowed", expected], method);
    }
    const headers = { Origin: "https://app.example.com", ...preflight };
    await app.send("/api/health", { method: "OPTIONS", headers });
    const { code, error } = app.lines.at(-1) ?? {};
    assertEquals([code, error], [undefined, undefined]);
  });
});

test("cors sets Vary: Origin on every answer: success and 4xx, with an origin and without", async () => {
  for (const origin of [undefined, LISTED[0], "https://evil.com"]) {
    for (const path of ["/health", "/contacts", "/no_such_route", "/health?x=1"]) {
      const answer = await request(origin, path);
      const varied = names(answer, "Vary").filter((name) => name === "origin");
      assertEquals(varied, ["origin"], `${origin} ${path}`);
    }
  }
});

test("cors adds its headers to every error for a listed origin", async () => {
  const origin = "https://app.example.com";
  const cases: [string, number, RequestInit][] = [
    ["/contacts", 401, {}],
    ["/no_such_route", 404, {}],
    ["/contacts", 405, { method: "PUT" }],
    ["/health?x=1", 400, {}],
  ];
  for (const [path, status, init] of cases) {
    const answer = await request(origin, path, init);
    assertEquals(answer.status, status);
    assertEquals(answer.headers.get("Access-Control-Allow-Origin"), origin);
    assertEquals(answer.headers.get("Access-Control-Allow-Credentials"), "true");
    assert(names(answer, "Access-Control-Expose-Headers").includes("x-request-id"));
  }
});

test("cors adds its headers to an unexpected error too", async () => {
  const origin = "https://app.example.com";
  const { databaseUrl } = await testSettings();
  const wrong = databaseUrl.replace(/:[^:@]+@/, ":wrong-password@");
  await withApp({ allowedOrigins: [origin], databaseUrl: wrong }, async (app) => {
    const { admin } = await createWorkspace();
    const headers = { Origin: origin, Authorization: `Bearer ${admin.token}` };
    const answer = await app.send("/api/contacts", { headers });
    assertProblem(answer, 500, "internal");
    assertEquals(answer.headers.get("Access-Control-Allow-Origin"), origin);
    assertEquals(names(answer, "Vary").filter((name) => name === "origin"), ["origin"]);
  });
});

test("cors in production refuses localhost unless it is listed", async () => {
  const environment = {
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_DB_URL: "postgresql://postgres:postgres@127.0.0.1:1/postgres",
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}',
    SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_x"}',
    ALLOWED_ORIGINS: " https://app.example.com , https://b.example.com",
  };
  const settings = readSettings(environment);
  await withApp({ ...settings, rateLimit: 0 }, async (app) => {
    for (
      const origin of ["http://localhost:5173", "http://localhost:3000", "http://127.0.0.1:3000"]
    ) {
      const answer = await app.send("/api/health", { headers: { Origin: origin } });
      assertProblem(answer, 403, "origin_not_allowed");
    }
    const listed = await app.send("/api/health", { headers: { Origin: "https://b.example.com" } });
    assertEquals(listed.status, 200);
  });
});

function assertNoPermission(answer: Answer, origin: string): void {
  const granted = [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"));
  assertEquals(granted, [], origin);
}

test("cors lets pages of every origin read what is public, without credentials", async () => {
  for (const origin of [...UNLISTED, undefined]) {
    for (const path of ["", "/openapi.json"]) {
      const answer = await request(origin, path);
      assertEquals(answer.status, 200, path);
      assertEquals(answer.headers.get("Access-Control-Allow-Origin"), "*");
      assertEquals(answer.headers.get("Access-Control-Allow-Credentials"), null);
    }
  }
  const preflighted = await preflight("https://evil.com", "/openapi.json");
  assertEquals(preflighted.headers.get("Access-Control-Allow-Methods"), "GET");
});
