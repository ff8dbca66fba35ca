/** Bodies that are too large, of another type, broken or empty, and the connection afterwards. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { appUnderTest } from "../support/app.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";

const LIMIT = 1_000_000;
const encoder = new TextEncoder();

interface RawAnswer {
  status: number;
  body: string;
}

/** One TCP connection, on which requests are written as text of HTTP/1.1. */
class Connection {
  #connection: Deno.TcpConn;
  #rest = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    let left = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    while (left.length > 0) left = left.subarray(await this.#connection.write(left));
  }

  /** Reads one answer. Throws when the connection ends. */
  async read(): Promise<RawAnswer> {
    const head = await this.#readUntil(() => this.#rest.indexOf("\r\n\r\n") + 1 && this.#headEnd());
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    return { status, body: await this.#readUntil(() => this.#rest.length >= length && length) };
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #headEnd(): number {
    return this.#rest.indexOf("\r\n\r\n") + 4;
  }

  async #readUntil(end: () => number | false): Promise<string> {
    const buffer = new Uint8Array(65_536);
    const decoder = new TextDecoder();
    for (;;) {
      const at = end();
      if (at !== false && at !== 0) {
        const text = this.#rest.slice(0, at);
        this.#rest = this.#rest.slice(at);
        return text;
      }
      const count = await this.#connection.read(buffer);
      if (count === null) throw new Error("The connection was closed.");
      this.#rest += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  }
}

function head(path: string, token: string, headers: string[], method = "POST"): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${token}`,
    "Accept-Encoding: identity",
    ...headers,
  ];
  return lines.join("\r\n") + "\r\n\r\n";
}

function contactOf(bytes: number): Uint8Array<ArrayBuffer> {
  const frame = JSON.stringify({ background: "" });
  return encoder.encode(JSON.stringify({ background: "x".repeat(bytes - frame.length) }));
}

function chunked(body: Uint8Array): Uint8Array {
  const start = encoder.encode(`${body.length.toString(16)}\r\n`);
  const end = encoder.encode("\r\n0\r\n\r\n");
  return new Uint8Array([...start, ...body, ...end]);
}

/** The addresses of the function itself and of the gateway. */
const ADDRESSES: [string, () => Promise<{ port: number; prefix: string } & AsyncDisposable>][] = [
  ["the function", serveFunction],
  ["the gateway", () =>
    Promise.resolve({
      port: Number(new URL(stack.functionUrl).port),
      prefix: new URL(stack.functionUrl).pathname,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })],
];

async function serveFunction() {
  const app = await appUnderTest({});
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
  const close = async () => {
    await server.shutdown();
    await app.close();
  };
  return { port: server.addr.port, prefix: "/api", [Symbol.asyncDispose]: close };
}

for (const [name, open] of ADDRESSES) {
  test(`limitBody answers 413 and ${name} keeps the connection, with Content-Length`, async () => {
    await using address = await open();
    const { token } = (await createWorkspace()).admin;
    using connection = await Connection.open(address.port);
    for (const bytes of [LIMIT + 1, 1_100_000, 5_000_000]) {
      const headers = ["Content-Type: application/json", `Content-Length: ${bytes}`];
      await connection.write(head(`${address.prefix}/contacts`, token, headers));
      await connection.write(contactOf(bytes));
      const refused = await connection.read();
      assertEquals([refused.status, JSON.parse(refused.body).code], [413, "body_too_large"]);
    }
    await connection.write(head(`${address.prefix}/me`, token, [], "GET"));
    assertEquals((await connection.read()).status, 200);
  });

  test(`limitBody answers 413 and ${name} keeps the connection, without Content-Length`, async () => {
    await using address = await open();
    const { token } = (await createWorkspace()).admin;
    using connection = await Connection.open(address.port);
    const headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
    for (const bytes of [LIMIT + 1, 1_100_000]) {
      await connection.write(head(`${address.prefix}/contacts`, token, headers));
      await connection.write(chunked(contactOf(bytes)));
      const refused = await connection.read();
      assertEquals([refused.status, JSON.parse(refused.body).code], [413, "body_too_large"]);
    }
    await connection.write(head(`${address.prefix}/contacts`, token, headers));
    await connection.write(chunked(encoder.encode('{"first_name":"Ada"}')));
    const accepted = await connection.read();
    assertEquals([accepted.status, JSON.parse(accepted.body).first_name], [201, "Ada"]);
  });

  test(`a refusal before the body is read leaves ${name}'s connection usable`, async () => {
    await using address = await open();
    const { token } = (await createWorkspace()).admin;
    const body = contactOf(900_000);
    using connection = await Connection.open(address.port);
    const cases: [string, string, string, number][] = [
      ["/contacts", "no-token", "POST", 401],
      ["/no_such_route", token, "POST", 404],
      ["/contacts", token, "PUT", 405],
      ["/companies/1/restore?x=1", token, "POST", 400],
      ["/contacts", token, "POST", 415],
    ];
    for (const [path, bearer, method, status] of cases) {
      const headers = [`Content-Length: ${body.length}`, "Content-Type: text/plain"];
      await connection.write(head(address.prefix + path, bearer, headers, method));
      await connection.write(body);
      assertEquals((await connection.read()).status, status, path);
    }
    await connection.write(head(`${address.prefix}/me`, token, [], "GET"));
    assertEquals((await connection.read()).status, 200);
  });
}

test("limitBody answers 413 before a client has sent the announced body", async () => {
  await using address = await serveFunction();
  const { token } = (await createWorkspace()).admin;
  using connection = await Connection.open(address.port);
  const headers = ["Content-Type: application/json", "Content-Length: 50000000"];
  await connection.write(head("/api/contacts", token, headers) + "{");
  assertEquals((await connection.read()).status, 413);
});

test("limitBody accepts a body of exactly 1 MB", async () => {
  const { admin } = await createWorkspace();
  for (const body of [contactOf(LIMIT), new Blob([contactOf(LIMIT)]).stream()]) {
    const response = await fetch(`${stack.functionUrl}/contacts`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body,
    });
    // The body is read, and the field's own limit refuses it.
    assertEquals((await response.json()).code, "validation_failed");
  }
});

test("requireJson refuses an empty body and broken JSON with different messages", async () => {
  const { admin } = await createWorkspace();
  const broken = [
    "nope",
    '{"a": tru}',
    '{"a":1,}',
    "{'a':1}",
    "[1,2,,3]",
    '{"a":"x\ny"}',
    '{"a":1',
  ];
  const cases = [
    ...["", "  \n "].map((body) => [body, "The body is empty."]),
    ...broken.map((body) => [body, "The body is not valid JSON."]),
  ];
  for (const [body = "", sentence = ""] of cases) {
    const answer = await send(admin.token, body, "application/json");
    assertProblem(answer, 400, "invalid_json");
    assertStringIncludes(answer.body.detail, sentence, body);
  }
});

test("requireJson accepts media types of JSON, with parameters, and refuses others", async () => {
  const { admin } = await createWorkspace();
  for (
    const type of [
      "application/json",
      "application/json; charset=utf-8",
      "APPLICATION/JSON;charset=UTF-8",
      "application/merge-patch+json",
    ]
  ) assertEquals((await send(admin.token, '{"first_name":"Ada"}', type)).status, 201, type);
  for (const type of ["text/json", "application/jsonx", "text/plain", "multipart/form-data", ""]) {
    const answer = await send(admin.token, '{"first_name":"Ada"}', type);
    assertProblem(answer, 415, "unsupported_media_type");
  }
});

test("requireJson refuses text that Postgres cannot store", async () => {
  const { admin } = await createWorkspace();
  for (const text of ["\\u0000", "a\\ud800", "\\uDFFFb", "\\ud83d\\ud83d"]) {
    const answer = await send(admin.token, `{"first_name":"${text}"}`, "application/json");
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["first_name"]);
  }
  const body = '{"first_name":"\\ud83d\\ude00","last_name":"\\\\u0000"}';
  const stored = await send(admin.token, body, "application/json");
  assertEquals([stored.body.first_name, stored.body.last_name], ["😀", "\\u0000"]);
});

async function send(token: string, body: string, type: string) {
  const response = await fetch(`${stack.functionUrl}/contacts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": type },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test("optionalJson accepts a request without a body, with and without a content type", async () => {
  const { admin } = await createWorkspace();
  for (const type of [undefined, "application/json"]) {
    const { body: { id } } = await admin.api.post("/contacts", { first_name: "Ada" });
    await admin.api.delete(`/contacts/${id}`);
    const response = await fetch(`${stack.functionUrl}/contacts/${id}/restore`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, ...(type && { "Content-Type": type }) },
    });
    assertEquals([response.status, (await response.json()).id], [200, id], type);
  }
});
