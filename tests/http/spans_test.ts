/** Spans of requests, received by a collector. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readSettings } from "../../supabase/functions/_shared/settings.ts";
import { withApp } from "../support/app.ts";
import { only } from "../support/exactly.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status: { code?: number };
}

/** Runs work with a collector that answers a status. Returns what it received. */
async function collected(status: number, work: (spans: { url: string }) => Promise<void>) {
  const requests: { headers: Headers; body: string }[] = [];
  const collector = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    requests.push({ headers: request.headers, body: await request.text() });
    return new Response(null, { status });
  });
  await work({ url: `http://127.0.0.1:${collector.addr.port}/v1/traces` });
  await collector.shutdown();
  return requests;
}

function spansOf(body: string): Span[] {
  const { scopeSpans } = JSON.parse(body).resourceSpans[0];
  return scopeSpans[0].spans;
}

test("spans: a collector gets the span of a request in the trace of its client", async () => {
  const { id, admin } = await createWorkspace();
  const requests = await collected(200, async ({ url }) => {
    const spans = { url, headers: { "x-team": "a key" }, serviceName: "crm" };
    await withApp({ spans }, async (app) => {
      const Authorization = `Bearer ${admin.token}`;
      const traceparent = `00-${TRACE}-${PARENT}-01`;
      await app.send("/api/contacts/1", { headers: { Authorization, traceparent } });
    });
  });
  const { headers, body } = only(requests);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("x-team"), "a key");
  assertEquals(JSON.parse(body).resourceSpans[0].resource.attributes, [
    { key: "service.name", value: { stringValue: "crm" } },
  ]);
  const span = only(spansOf(body));
  assertEquals([span.traceId, span.parentSpanId, span.name, span.kind], [
    TRACE,
    PARENT,
    "contacts.get",
    2,
  ]);
  assertMatch(span.spanId, /^[0-9a-f]{16}$/);
  assert(BigInt(span.startTimeUnixNano) < BigInt(span.endTimeUnixNano));
  const attributes = Object.fromEntries(span.attributes.map(({ key, value }) => [key, value]));
  assertEquals(attributes["http.request.method"], { stringValue: "GET" });
  assertEquals(attributes["http.response.status_code"], { intValue: "404" });
  assertEquals(attributes["error.type"], { stringValue: "not_found" });
  assertEquals(attributes["portico.workspace"], { stringValue: id });
  assertEquals(span.status, {});
  assert(!body.includes(admin.token) && !body.includes(admin.email));
});

test("spans: a request without a trace begins one, and one that is not recorded is left out", async () => {
  const requests = await collected(200, async ({ url }) => {
    const spans = { url, headers: {}, serviceName: "portico" };
    const settings = { spans, databaseUrl: "postgresql://a:b@127.0.0.1:1/c" };
    await withApp(settings, async (app) => {
      await app.send("/api/health");
      await app.send("/api/health", { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
      await app.send("/api/jobs/keep_log", {
        method: "POST",
        headers: { apikey: stack.secretKey },
      });
    });
  });
  const spans = requests.flatMap(({ body }) => spansOf(body));
  assertEquals(spans.map(({ name, status }) => [name, status.code]), [
    ["system.health", undefined],
    ["jobs.keep_log", 2],
  ]);
  for (const { traceId, parentSpanId } of spans) {
    assertMatch(traceId, /^[0-9a-f]{32}$/);
    assertEquals(parentSpanId, undefined);
  }
});

test("spans: a collector that fails changes no answer, and is named in the log", async () => {
  for (const status of [500, undefined]) {
    const url = "http://127.0.0.1:1/v1/traces";
    const send = async (spans: { url: string }) => {
      await withApp({ spans: { ...spans, headers: {}, serviceName: "a" } }, async (app) => {
        assertEquals((await app.send("/api/health")).status, 200);
        await app.close();
        const line = app.lines.find(({ error }) => String(error).startsWith("Spans were not sent"));
        assert(line, JSON.stringify(app.lines));
      });
    };
    if (status) await collected(status, send);
    else await send({ url });
  }
});

test("spans: the settings are those of OpenTelemetry", () => {
  const required = {
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_DB_URL: "postgresql://a:b@c/d",
    SUPABASE_SERVICE_ROLE_KEY: "secret",
    SUPABASE_ANON_KEY: "public",
  };
  assertEquals(readSettings(required).spans, undefined);
  const { spans } = readSettings({
    ...required,
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example.com/",
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20abc=, x-team = 1",
  });
  assertEquals(spans, {
    url: "https://collector.example.com/v1/traces",
    headers: { Authorization: "Basic abc=", "x-team": "1" },
    serviceName: "portico",
  });
  return Promise.resolve();
});
