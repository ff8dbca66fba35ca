/**
 * Origins that resemble an allowed one, and preflights that ask for more than the gateway allows.
 * tests/http/cors_test.ts tests the allowlist itself.
 */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { type Answer, createWorkspace, test } from "../support/workspace.ts";

const ALLOWED = [
  "https://app.example.com",
  "https://*.preview.example.com",
  "http://localhost:5173",
];

const RESEMBLING = [
  // Scheme
  ...["http://app.example.com", "HTTPS://app.example.com", "https:app.example.com"],
  ...["https:/app.example.com", "https:///app.example.com", "https:\\\\app.example.com"],
  ...["//app.example.com", "app.example.com", "wss://app.example.com", "ftp://app.example.com"],
  ...["view-source:https://app.example.com", "blob:https://app.example.com", "file://"],
  ...["about:blank", "data:text/html,x", "chrome-extension://app.example.com", "null", "NULL"],
  ...["undefined", "*", "https://*", "https://*.preview.example.com", "https://*.example.com"],
  // Host
  ...["https://app.example.com.", "https://app.example.com..", "https://.app.example.com"],
  ...["https://app.example.com.evil.com", "https://evil.com.app.example.com", "https://app"],
  ...["https://app.example.co", "https://app.example.comm", "https://app-example.com"],
  ...["https://aapp.example.com", "https://APP.EXAMPLE.COM", "https://App.example.com"],
  ...[
    "https://xn--pp-eka.example.com",
    "https://\u00e4pp.example.com",
    "https://app.ex\u00e4mple.com",
  ],
  ...["https://app.example.com%00.evil.com", "https://app.example.com%2eevil.com"],
  ...["https://app%2eexample%2ecom", "https://app.example.com%20", "https://app,example.com"],
  // User, port, path
  ...["https://app.example.com@evil.com", "https://evil.com@app.example.com"],
  ...["https://user:password@app.example.com", "https://app.example.com:443"],
  ...["https://app.example.com:80", "https://app.example.com:0", "https://app.example.com:"],
  ...[
    "https://app.example.com:443@evil.com",
    "https://app.example.com/",
    "https://app.example.com?",
  ],
  ...[
    "https://app.example.com#",
    "https://app.example.com/../..",
    "https://evil.com/app.example.com",
  ],
  ...["https://evil.com?https://app.example.com", "https://evil.com#https://app.example.com"],
  ...[
    "https://app.example.com\\.evil.com",
    "https://app.example.com\t",
    "https://app.example.com;",
  ],
  // The wildcard
  ...[
    "https://preview.example.com",
    "https://.preview.example.com",
    "https://..preview.example.com",
  ],
  ...["https://a.b.preview.example.com", "https://a_b.preview.example.com"],
  ...["https://a/b.preview.example.com", "https://a@b.preview.example.com"],
  ...["https://a:1.preview.example.com", "https://a.preview.example.com:8443"],
  ...["https://A.preview.example.com", "https://evil.com/.preview.example.com"],
  ...["https://a%2e.preview.example.com", "https://a.preview-example.com"],
  ...["https://a.preview.example.com.evil.com", "https://apreview.example.com"],
  // The local host
  ...[
    "http://localhost",
    "http://localhost:51730",
    "http://localhost:05173",
    "http://localhost:5173.",
  ],
  ...[
    "http://localhost.:5173",
    "http://127.0.0.1:5173",
    "http://[::1]:5173",
    "http://0.0.0.0:5173",
  ],
  ...[
    "http://127.1:5173",
    "http://2130706433:5173",
    "https://localhost:5173",
    "http://LOCALHOST:5173",
  ],
  // Several, and long ones
  ...["https://app.example.com, https://evil.com", "https://evil.com, https://app.example.com"],
  ...[
    "https://app.example.com https://evil.com",
    "https://app.example.com,https://app.example.com",
  ],
  `https://${"a".repeat(8_000)}.example.com`,
  `https://${"a.".repeat(4_000)}preview.example.com`,
];

test("cors refuses every origin that resembles an allowed one", async () => {
  const { admin } = await createWorkspace();
  await withApp({ allowedOrigins: ALLOWED }, async ({ send }) => {
    for (const origin of RESEMBLING) {
      // Headers are trimmed, so a blank at the end of an origin does not arrive.
      if (ALLOWED.includes(origin.trim())) continue;
      const headers = { Origin: origin, Authorization: `Bearer ${admin.token}` };
      const read = await send("/api/contacts", { headers });
      const write = await send("/api/contacts", {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify({ first_name: "Mallory" }),
      });
      for (const answer of [read, write]) {
        assertEquals([answer.status, answer.body.code], [403, "origin_not_allowed"], origin);
        assertProblem(answer, 403, "origin_not_allowed");
        assertNothingGranted(answer, origin);
      }
      assertNothingGranted(await preflight(send, origin, "POST", "authorization"), origin);
    }
  });
  assertEquals((await admin.api.get("/contacts")).body.data, []);
});

const METHODS = [
  "TRACE",
  "CONNECT",
  "TRACK",
  "PURGE",
  "*",
  "GET, TRACE",
  "DELETE\u0000",
  "x".repeat(9_000),
];
const HEADERS = [
  "cookie",
  "host",
  "origin",
  "x-evil",
  "*",
  "authorization, x-evil",
  "x".repeat(9_000),
];

test("a preflight allows its own lists, whatever it is asked for", async () => {
  await withApp({ allowedOrigins: ALLOWED }, async ({ send }) => {
    const origin = "https://app.example.com";
    const usual = await preflight(send, origin, "GET", "authorization");
    for (const method of METHODS.filter((name) => !name.includes("\0"))) {
      assertSameGrants(await preflight(send, origin, method, "authorization"), usual, method);
    }
    for (const name of HEADERS) {
      assertSameGrants(await preflight(send, origin, "GET", name), usual, name);
    }
    const allowed = usual.headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
    for (const name of ["cookie", "x-evil", "*"]) assert(!allowed.includes(name), name);
    assert(!/TRACE|CONNECT|\*/.test(usual.headers.get("Access-Control-Allow-Methods") ?? ""));
  });
});

type Send = (path: string, init?: RequestInit) => Promise<Answer>;

function preflight(send: Send, origin: string, method: string, headers: string): Promise<Answer> {
  return send("/api/contacts", {
    method: "OPTIONS",
    headers: {
      Origin: origin,
      "Access-Control-Request-Method": method,
      "Access-Control-Request-Headers": headers,
    },
  });
}

function grantsOf({ headers }: Answer): [string, string][] {
  return [...headers].filter(([name]) => name.startsWith("access-control-"));
}

function assertNothingGranted(answer: Answer, origin: string): void {
  assertEquals(grantsOf(answer), [], origin);
}

function assertSameGrants(answer: Answer, usual: Answer, asked: string): void {
  assertEquals([answer.status, grantsOf(answer)], [204, grantsOf(usual)], asked.slice(0, 40));
}
