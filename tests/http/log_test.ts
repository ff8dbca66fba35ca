/** The request log: one JSON line per request, without secrets and personal data. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertMatch,
} from "@std/assert";
import { type AppUnderTest, testSettings, withApp } from "../support/app.ts";
import { createWorkspace, freshEmail, headerOf, stack, test } from "../support/workspace.ts";

const KNOWN = [
  "time",
  "request_id",
  "method",
  "route",
  "status",
  "duration_ms",
  "database_ms",
  "caller",
  "workspace",
  "code",
  "error",
  "trace_id",
  "parent_span_id",
  "trace_flags",
];

test("requestLog writes one line per request, for every outcome", async () => {
  await withApp({ allowedOrigins: ["https://app.example.com"] }, async (app) => {
    const { id, admin } = await createWorkspace();
    const headers = { Authorization: `Bearer ${admin.token}` };
    const requests: [string, RequestInit, string, number, string | undefined][] = [
      ["/api/me", { headers }, "me.get", 200, undefined],
      ["/api/me", {}, "me.get", 401, "token_missing"],
      ["/api/contacts/1?x=1", { headers }, "contacts.get", 400, "unknown_parameter"],
      ["/api/no_such_route", { headers }, "unknown", 404, "route_not_found"],
      ["/api/me", { method: "PUT" }, "unknown", 405, "method_not_allowed"],
      ["/api/me", { headers: { Origin: "null" } }, "me.get", 403, "origin_not_allowed"],
      ["/api/me", { method: "OPTIONS" }, "unknown", 204, undefined],
    ];
    for (const [index, [path, init, route, status, code]] of requests.entries()) {
      const answer = await app.send(path, init);
      assertEquals(app.lines.length, index + 1);
      const line = app.lines[index] ?? {};
      assertEquals([line.route, line.status, line.code], [route, status, code]);
      assertEquals(line.request_id, answer.headers.get("X-Request-Id"));
      assertEquals(line.method, init.method ?? "GET");
      assert(Object.keys(line).every((key) => KNOWN.includes(key)));
      assertGreaterOrEqual(Number(line.duration_ms), Number(line.database_ms));
      assertEquals(new Date(String(line.time)).toISOString(), line.time);
    }
    const [first] = app.lines;
    assertEquals([first?.caller, first?.workspace], [admin.user_id, id]);
    assertGreater(Number(first?.database_ms), 0);
  });
});

test("requestLog never shows a token, a body, a query value or an e-mail address", async () => {
  await withApp({}, async (app) => {
    const { admin } = await createWorkspace();
    const secret = crypto.randomUUID();
    const address = freshEmail();
    const headers = { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" };
    await provoke(app, secret, address, headers);
    const log = JSON.stringify(app.lines);
    assertGreaterOrEqual(app.lines.length, 8);
    for (
      const hidden of [
        admin.token,
        secret,
        address,
        admin.email,
        "@",
        "eyJ",
        "Bearer",
        stack.secretKey,
      ]
    ) {
      assert(!log.includes(hidden), `${hidden} in ${log}`);
    }
  });
});

async function provoke(
  app: AppUnderTest,
  secret: string,
  address: string,
  headers: Record<string, string>,
): Promise<void> {
  const post = (path: string, body: unknown) =>
    app.send(path, { method: "POST", headers, body: JSON.stringify(body) });
  await app.send(`/api/contacts?q=${secret}&last_name=${address}`, { headers });
  await app.send(`/api/contacts?no_such=${secret}`, { headers });
  await app.send(`/api/contacts/${secret}`, { headers });
  await app.send(`/api/${secret}`, { headers });
  await app.send("/api/me", { headers: { Authorization: `Bearer ${secret}` } });
  await post("/api/contacts", { first_name: secret, email_jsonb: [{ email: address }] });
  await post("/api/contacts", { first_name: secret, company_id: 999_999_999 });
  await post("/api/contacts", { [secret]: address });
  await app.send("/api/contacts", { method: "POST", headers, body: `{"${secret}` });
  const invited = { email: address, first_name: secret, last_name: secret };
  await post("/api/users", invited);
  await post("/api/users", invited);
  const { admin: elsewhere } = await createWorkspace();
  await post("/api/users", { ...invited, email: elsewhere.email });
}

test("requestLog names the place of an unexpected error, and no values", async () => {
  const secret = crypto.randomUUID();
  const { databaseUrl } = await testSettings();
  await withApp({ databaseUrl: databaseUrl.replace(/:[^:@]+@/, `:${secret}@`) }, async (app) => {
    const { admin } = await createWorkspace();
    await app.send("/api/me", { headers: { Authorization: `Bearer ${admin.token}` } });
    const [line] = app.lines;
    assertEquals([line?.status, line?.code], [500, "internal"]);
    assertMatch(String(line?.error), /28P01/);
    assert(!JSON.stringify(app.lines).includes(secret));
  });
});

test("X-Request-Id is answered unchanged when it is valid, else replaced by a new one", async () => {
  await withApp({}, async (app) => {
    for (const given of ["12345678", "a".repeat(128), crypto.randomUUID(), "trace_1-2="]) {
      const answer = await app.send("/api/health", { headers: { "X-Request-Id": given } });
      assertEquals(answer.headers.get("X-Request-Id"), given);
    }
    for (
      const given of ["a".repeat(129), "with space in it", "<script>alert</script>", ""]
    ) {
      const answer = await app.send("/api/me", { headers: { "X-Request-Id": given } });
      const id = headerOf(answer, "X-Request-Id");
      assertMatch(id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      assertEquals(answer.body.request_id, id);
    }
    const ids = await Promise.all(Array.from({ length: 20 }, () => app.send("/api/health")));
    assertEquals(new Set(ids.map(({ headers }) => headers.get("X-Request-Id"))).size, 20);
  });
});

test("requestLog names the trace of the request", async () => {
  await withApp({}, async (app) => {
    const trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    const parent_span_id = "00f067aa0ba902b7";
    const none = { trace_id: undefined, parent_span_id: undefined, trace_flags: undefined };
    const trace = { trace_id, parent_span_id };
    const sampled = { ...trace, trace_flags: "01" };
    const unsampled = { ...trace, trace_flags: "00" };
    const cases: [HeadersInit, Record<string, string | undefined>][] = [
      [{ traceparent: `00-${trace_id}-${parent_span_id}-01` }, sampled],
      [{ traceparent: `00-${trace_id}-${parent_span_id}-00` }, unsampled],
      [{ "sentry-trace": `${trace_id}-${parent_span_id}-1` }, sampled],
      [{ "sentry-trace": `${trace_id}-${parent_span_id}-0` }, unsampled],
      [{ "sentry-trace": `${trace_id}-${parent_span_id}` }, { ...trace, trace_flags: undefined }],
      [{ traceparent: `00-${"0".repeat(32)}-${parent_span_id}-01` }, none],
      [{ traceparent: `00-${trace_id}` }, none],
      [{ traceparent: `00-${trace_id.toUpperCase()}-${parent_span_id}-01` }, none],
      [{}, none],
    ];
    for (const [headers, expected] of cases) {
      await app.send("/api/health", { headers });
      const { trace_id, parent_span_id, trace_flags } = app.lines.at(-1) ?? {};
      assertEquals({ trace_id, parent_span_id, trace_flags }, expected, JSON.stringify(headers));
    }
  });
});
