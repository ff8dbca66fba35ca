/**
 * Hostile paths, queries, headers and methods for every operation of the registry: never a failure, and
 * no internals in an answer.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { routeOf } from "../../supabase/functions/_shared/facts.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { insertRows } from "../support/records.ts";
import { operationForms } from "../support/registry.ts";
import { recordsOf } from "../support/operations.ts";
import { createWorkspace, test } from "../support/workspace.ts";
import { assertHarmless, type Attack, attack } from "./harmless.ts";

const IDS = [
  ...["1e3", "+1", "0x1", "-1", "0", "00", "01", "1.0", "1_000", "1,2", "1;2", "١", "½", "Ⅷ"],
  ...["9007199254740993", "9223372036854775807", "9223372036854775808", "9".repeat(400)],
  ...["NaN", "Infinity", "null", "undefined", "true", "[]", "{}", "*", "__proto__", "constructor"],
  ...["%00", "1%00", "%0a", "1%0d%0aX:1", "%ff", "%ed%a0%80", "%25", "%2525", "%", "%zz", "%u0031"],
  ...["..", "%2e%2e", "..%2f..%2fusers", "%2e%2e%2f", "1%2f2", "1%5c2", "1%2fmerge", "1%3fa=b"],
  ...["1%23", "1%20", "%201", "1'--", "1%22", "1)or(1=1", "$1", "${1}", "{{1}}", "<script>", "1|1"],
];

const QUERIES = [
  ...[
    "?",
    "?&",
    "?=",
    "?==",
    "?a",
    "?a[]=1",
    "?a[b]=1",
    "?a=1&a=2",
    "?__proto__=1",
    "?__proto__[a]=1",
  ],
  ...[
    "?constructor.prototype=1",
    "?%00=1",
    "?a=%00",
    "?%ff=1",
    "?a=%ff",
    "?%=1",
    "?a=%",
    "?%zz=%zz",
  ],
  ...["?limit=1&limit=1", "?limit[]=1", "?limit=1e1", "?limit=%31", "?limit=-1", "?limit=NaN"],
  ...["?dry_run=true", "?dry_run=1", "?dry_run=", "?select=*", "?select=id;", "?sort=id%00"],
  ...["?include=a,b", "?include[]=owner", "?format=xml", "?format=csv%00", "?q[]=a", "?cursor[]=a"],
  ...["?_method=DELETE", "?callback=alert", "?apikey=x&apikey=y", "??limit=1", "?#", "?limit=1#x"],
  `?${"a".repeat(65_536)}=1`,
  `?a=${"b".repeat(65_536)}`,
  `?${Array.from({ length: 5_000 }, (_, index) => `p${index}=1`).join("&")}`,
  `?${"&".repeat(50_000)}`,
];

const HEADERS: Record<string, string>[] = [
  { "X-Request-Id": "x".repeat(9_000) },
  { "X-Request-Id": "a b\tc;<script>" },
  { "X-Forwarded-For": "127.0.0.1, evil", "X-Forwarded-Host": "evil.com", "X-Real-IP": "::1" },
  { "X-Forwarded-Proto": "javascript", "X-Forwarded-Prefix": "/../..", Forwarded: 'for="_x"' },
  { "X-Original-URL": "/api/users", "X-Rewrite-URL": "/api/users" },
  { "X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE" },
  { "Idempotency-Key": "" },
  { "Idempotency-Key": "a".repeat(256) },
  { "Idempotency-Key": "a b" },
  { "Idempotency-Key": '"a" , "b"' },
  { "Idempotency-Key": "\u00e4\u00ff" },
  { "Idempotency-Key": "' or 1=1 --" },
  { "Idempotency-Key": "__proto__" },
  { "If-Match": "" },
  { "If-Match": "*, *" },
  { "If-Match": '"' },
  { "If-Match": '"a", b' },
  { "If-Match": `"${"a".repeat(9_000)}"` },
  { "If-Match": Array(2_000).fill('"a"').join(",") },
  { "If-Match": `"2024-01-01T00:00:00Z' or true"` },
  { "If-None-Match": "*", "If-Modified-Since": "x", "If-Unmodified-Since": "x", "If-Range": "x" },
  { Prefer: "handling=lenient".repeat(500) },
  { Prefer: "handling=lenient; return=minimal, resolution=merge-duplicates, tx=rollback" },
  { Prefer: "a".repeat(20_000) },
  { Accept: "text/html" },
  { Accept: "application/vnd.pgrst.object+json", "Accept-Profile": "private" },
  { "Accept-Language": "x".repeat(9_000), "Accept-Encoding": "br;q=x", "Accept-Charset": "utf-7" },
  { Range: "bytes=0-,1-,2-", "Range-Unit": "items", "Content-Range": "bytes x" },
  { "Content-Length": "-1" },
  { "Content-Type": "application/json\u00a0" },
  { Cookie: `a=${"b".repeat(9_000)}`, Referer: "javascript:x", "User-Agent": "() { :; }; x" },
  { traceparent: "x", baggage: "a=".repeat(1_000), "X-Region": "../x", "X-Client-Info": "\u00ff" },
  { "Sb-Request-Id": "x", "X-Supabase-Api-Version": "9999-99-99", Upgrade: "websocket" },
];

const METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "GET", "PURGE", "get", "X-Y"];

/** Each operation gets every second request, so that all of them meet every resource. */
const SHARE = 2;

for (const [position, operation] of operationForms.entries()) {
  test(`${operation.id} survives hostile paths, queries, headers and methods`, async () => {
    const { token } = (await createWorkspace()).admin;
    await withApp({ rateLimit: 0 }, async (app) => {
      const attacks = attacksOn(operation).filter((_, index) => (index + position) % SHARE === 0);
      for (const [name, request] of attacks) {
        const answer = await attack(app, operation, token, request);
        const label = `${operation.id} ${name}`.slice(0, 200);
        assertHarmless(label, answer);
        for (const text of Object.values(request.headers ?? {})) {
          if (text.length > 9) assert(![...answer.headers.values()].includes(text), label);
        }
      }
    });
  });
}

function attacksOn(operation: Operation): [string, Attack][] {
  const route = routeOf(operation);
  const body = operation.body ? JSON.stringify(operation.example) : undefined;
  const path = route.replace(/:\w+/g, "999999999999");
  const example = operation.queryExample ? `?${new URLSearchParams(operation.queryExample)}` : "";
  const usual = { id: "999999999999", query: example, body };
  const ids = route.includes(":") ? IDS : [];
  return [
    ...ids.map((id): [string, Attack] => [`id ${id}`, { id, body }]),
    ...pathsOf(path).map((odd): [string, Attack] => [odd, { path: odd, body }]),
    ...QUERIES.map((query): [string, Attack] => [query, { ...usual, query }]),
    ...HEADERS.map((headers): [string, Attack] => [
      JSON.stringify(headers),
      { ...usual, headers },
    ]),
    ...METHODS.map((method): [string, Attack] => [method, { ...usual, method }]),
  ];
}

function pathsOf(path: string): string[] {
  return [
    ...[`${path}/`, `${path}//`, `/${path}`, path.toUpperCase(), `${path};a=b`, `${path}%20`],
    ...[`${path}%00`, `${path}%2f`, `${path}/..`, `${path}/../..`, `${path}/%2e%2e/%2e%2e/jobs`],
    ...[
      `${path}.json`,
      `${path}~`,
      path.replace("/api/", "/api/./"),
      path.replace("/api/", "/api//"),
    ],
    ...[path.replace("/api/", "/api%2f"), path.replace("/api/", "/api/x/../"), `${path}%252f`],
    ...[path.replace("/api/", "/api/%2e%2e/api/"), path.replace("/api", "/API"), `${path}\\`],
  ];
}

test("a method override header changes nothing", async () => {
  const workspace = await createWorkspace();
  const [id] = await insertRows(workspace, "contacts", [{ first_name: "Ada" }]);
  for (const name of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
    const { status } = await workspace.admin.api.get(`/contacts/${id}`, { [name]: "DELETE" });
    assertEquals(status, 200);
  }
  assertEquals((await workspace.admin.api.get(`/contacts/${id}`)).status, 200);
});

for (const operation of operationForms) {
  if (operation.kind !== "list" || operation.path.includes(":")) continue;
  test(`${operation.id} refuses every cursor that it did not make`, async () => {
    const [own, foreign] = [await createWorkspace(), await createWorkspace()];
    for (const workspace of [own, foreign]) await fill(workspace);
    await withApp({ rateLimit: 0 }, async (app) => {
      const cursor = await firstCursor(app, operation, own.admin.token);
      const other = await firstCursor(app, operation, foreign.admin.token);
      for (const text of cursorsFrom(cursor)) {
        const query = `?limit=1&cursor=${encodeURIComponent(text)}`;
        const answer = await attack(app, operation, own.admin.token, { query });
        assertHarmless(`${operation.id} ${text.slice(0, 80)}`, answer);
        if (answer.status !== 200) assertEquals(answer.body.code, "invalid_cursor");
      }
      const shown = await attack(app, operation, own.admin.token, {
        query: `?limit=200&cursor=${other}`,
      });
      assertHarmless(operation.id, shown);
      assert(!JSON.stringify(shown.body).includes(foreign.admin.email), operation.id);
    });
  });
}

/** Two records for each list. */
async function fill(workspace: Awaited<ReturnType<typeof createWorkspace>>): Promise<void> {
  await workspace.addMember("rep");
  const text = workspace.admin.email;
  const [contact_id] = await insertRows(workspace, "contacts", [{ title: text }, { title: text }]);
  const [, trashed] = await insertRows(workspace, "companies", [
    { name: text },
    { name: text },
    { name: text },
  ]);
  const [deal_id] = await insertRows(workspace, "deals", [
    { name: text, stage: "won" },
    { name: text, stage: "won" },
  ]);
  await insertRows(workspace, "tags", [{ name: "a", color: "red" }, { name: "b", color: "red" }]);
  await insertRows(workspace, "tasks", [{ contact_id, text }, { contact_id, text }]);
  await insertRows(workspace, "contact_notes", [{ contact_id, text }, { contact_id, text }]);
  await insertRows(workspace, "deal_notes", [{ deal_id, text }, { deal_id, text }]);
  await workspace.admin.api.delete(`/companies/${trashed}`);
  const make = recordsOf(workspace);
  for (const resource of ["merges", "imports", "api_keys"]) {
    for (let left = 2; left > 0; left--) await make(resource);
  }
}

async function firstCursor(
  app: AppUnderTest,
  operation: Operation,
  token: string,
): Promise<string> {
  const { status, body } = await attack(app, operation, token, { query: "?limit=1" });
  assertEquals(status, 200);
  assertEquals(typeof body.next_cursor, "string", operation.id);
  return body.next_cursor;
}

/** Changed, shortened, lengthened and foreign forms of a cursor. */
function cursorsFrom(cursor: string): string[] {
  const parts: unknown[] = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  const encode = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  const replaced = (index: number, value: unknown) => encode(parts.with(index, value));
  return [
    ...Array.from(cursor, (_, index) => cursor.slice(0, index)),
    ...Array.from(
      cursor,
      (letter, index) =>
        cursor.slice(0, index) + (letter === "A" ? "B" : "A") + cursor.slice(index + 1),
    ),
    ...[
      `${cursor}A`,
      `${cursor}=`,
      cursor + cursor,
      `${cursor}\0`,
      cursor.toUpperCase(),
      "e30",
      "bnVsbA",
    ],
    ...[0, 2, "1", null, {}].map((version) => replaced(0, version)),
    ...[-1, 1.5, 1e300, "0", null, Number.MAX_SAFE_INTEGER].map((offset) => replaced(2, offset)),
    ...[null, "", "x", "\0", "' or true --", "infinity", "NaN", {}, [], 1, "9".repeat(40)]
      .map((key) => replaced(3, key)),
    ...[encode([...parts, "1"]), encode(parts.slice(0, -1)), encode({}), encode([])],
    ...["a".repeat(50_000), encode([...parts.slice(0, 3), "x".repeat(20_000)]), "🙂", "%00"],
  ];
}

test("raw requests that no client library sends are refused", async () => {
  const { token } = (await createWorkspace()).admin;
  await withApp({ rateLimit: 0 }, async (app) => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
    const { hostname, port } = server.addr;
    let answered = 0;
    for (const request of rawRequests(token)) {
      const answer = await exchange(hostname, port, request);
      if (answer === "") continue;
      answered += 1;
      const status = Number(/^HTTP\/1\.[01] (\d+)/.exec(answer)?.[1]);
      assert(status < 500, `${request.slice(0, 100)}: ${answer.slice(0, 300)}`);
      assert(!/^x-evil/im.test(answer) && !answer.includes(".ts:"), answer.slice(0, 300));
    }
    assertGreater(answered, 5);
    const usual = await exchange(hostname, port, rawRequest(token, "GET /api/me HTTP/1.1"));
    assert(usual.startsWith("HTTP/1.1 200"), usual.slice(0, 300));
  });
});

function rawRequest(token: string, line: string, ...more: string[]): string {
  const usual = ["Host: localhost", "Connection: close", `Authorization: Bearer ${token}`];
  return [line, ...usual, ...more, "", ""].join("\r\n");
}

function rawRequests(token: string): string[] {
  const get = "GET /api/contacts HTTP/1.1";
  const post = "POST /api/contacts HTTP/1.1";
  const raw = (line: string, ...more: string[]) => rawRequest(token, line, ...more);
  return [
    raw("TRACE /api/contacts HTTP/1.1"),
    raw("TRACK /api/contacts HTTP/1.1"),
    raw(get, `Authorization: Bearer ${token}`),
    raw(get, "X-A: a\r\n folded"),
    raw(get, "X-A: a\0b"),
    raw(get, `X-A: ${"a".repeat(200_000)}`),
    raw("GET /api/contacts%0d%0aX-Evil:1 HTTP/1.1"),
    raw("GET http://evil.com/api/contacts HTTP/1.1"),
    raw("GET /api/contacts HTTP/9.9"),
    raw("GET contacts HTTP/1.1"),
    raw("GET * HTTP/1.1"),
    raw(post, "Content-Length: 2", "Transfer-Encoding: chunked"),
    raw(post, "Content-Length: 1", "Content-Length: 2"),
    raw(post, "Content-Type: application/json", "Transfer-Encoding: chunked") + "zz\r\n",
    "\0\0\0\0\r\n\r\n",
  ];
}

/** Sends text over TCP and reads until the server closes. Empty when it closes without an answer. */
async function exchange(hostname: string, port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  try {
    await connection.write(new TextEncoder().encode(text));
    // Without its end, the server would wait for the rest of a body.
    if (!text.startsWith("GET")) await connection.closeWrite();
    return await new Response(connection.readable).text();
  } catch {
    return "";
  }
}
