/**
 * Hostile bodies for every operation that takes one, made from its example and its schema: never a
 * failure, and a refused request changes nothing.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { bodyOf, recordsOf, resourceOf } from "../support/operations.ts";
import { everythingIn } from "../support/records.ts";
import { operationForms } from "../support/registry.ts";
import { createWorkspace, stack, test, type Workspace } from "../support/workspace.ts";
import { bodySchema, type Schema } from "../support/wrongValues.ts";
import { assertHarmless, attack } from "./harmless.ts";

/** A body, and the headers that describe it. */
interface HostileBody {
  name: string;
  body: BodyInit;
  headers?: Record<string, string>;
}

/** Raw JSON in place of a field's value. */
const RAW_VALUES = [
  ...['"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\ufeff"', '"\\u202e"'],
  ...["1e400", "-1e400", "-0", "1e-400", "9007199254740993", "9223372036854775808", "1e308"],
  ...["-9223372036854775809", "0.1", "NaN", "Infinity", "0x10", "01", "1_000", "+1", ".5"],
  ...['"NaN"', '"Infinity"', '"1e400"', '"9223372036854775808"', "true", "null", "{}", "[]"],
  ...[
    "[[]]",
    '{"length":1}',
    '{"toString":1}',
    '{"__proto__":{"a":1}}',
    '{"then":1}',
    '[null,"x"]',
  ],
  ...["[".repeat(50) + "]".repeat(50), '{"a":'.repeat(120) + "1" + "}".repeat(120)],
  `"${"x".repeat(100_000)}"`,
  `[${"1,".repeat(20_000)}1]`,
];

// An operation that answers 202 goes on changing records after its answer.
const atOnce = operationForms.filter(({ body, status }) => body && status !== 202);

for (const operation of atOnce) {
  test(`${operation.id} survives hostile bodies, and a refused one changes nothing`, async () => {
    const workspace = await createWorkspace();
    const example = Object(await bodyOf(operation, recordsOf(workspace)));
    await withApp({ rateLimit: 0 }, async (app) => {
      const bodies = [...formsOf(example), ...valuesOf(operation, example)];
      assertGreater(bodies.length, RAW_VALUES.length);
      await sendAll(app, operation, workspace, bodies);
    });
  });
}

/** Sends the bodies about one record. Refused ones must leave every row as it is. */
async function sendAll(
  app: AppUnderTest,
  operation: Operation,
  workspace: Workspace,
  bodies: HostileBody[],
): Promise<void> {
  const { token } = workspace.admin;
  const resource = resourceOf(operation);
  const id = String(resource ? await recordsOf(workspace)(resource) : 1);
  let before = await everythingIn(workspace.id);
  for (const { name, body, headers } of bodies) {
    const answer = await attack(app, operation, token, { id, headers, body });
    assertHarmless(`${operation.id} ${name}`, answer);
    if (answer.status < 300) before = await everythingIn(workspace.id);
  }
  assertEquals(await everythingIn(workspace.id), before);
}

/** Bodies whose form is wrong, whatever their fields. */
function formsOf(example: Record<string, unknown>): HostileBody[] {
  const text = JSON.stringify(example);
  const json = (type: string) => ({ "Content-Type": type });
  const coded = (coding: string) => ({ "Content-Encoding": coding });
  const packed = (pack: (text: string) => Uint8Array) => new Uint8Array(pack(text));
  const bomb = new Uint8Array(gzipSync(new Uint8Array(20_000_000)));
  return [
    ...["", " ", "\n", "null", "0", '""', "[]", "true", "{", "}", "[", '"', "{}{}", text + text]
      .map((body) => ({ name: JSON.stringify(body).slice(0, 40), body })),
    { name: "array of the body", body: `[${text}]` },
    { name: "body as text", body: JSON.stringify(text) },
    { name: "byte order mark", body: `\ufeff${text}` },
    { name: "NUL at the end", body: `${text}\0` },
    { name: "trailing comma", body: text.replace(/}$/, ",}") },
    { name: "comment", body: `/* */${text}` },
    { name: "duplicate keys", body: text.replace("{", `${text.replace(/}$/, "")},`) },
    { name: "__proto__", body: text.replace("{", '{"__proto__":{"admin":true},') },
    { name: "constructor", body: text.replace("{", '{"constructor":{"prototype":{"a":1}},') },
    { name: "unknown key with NUL", body: text.replace("{", '{"\\u0000":1,') },
    { name: "key of 100 kB", body: text.replace("{", `{"${"k".repeat(100_000)}":1,`) },
    { name: "10,000 keys", body: `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`)}}` },
    { name: "depth 99", body: "[".repeat(99) + "]".repeat(99) },
    { name: "depth 10,000", body: '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000) },
    { name: "2 MB", body: `"${"x".repeat(2_000_000)}"` },
    { name: "UTF-16", body: utf16(text), headers: json("application/json; charset=utf-16") },
    { name: "bytes that are no UTF-8", body: bytes(text.replace('":"', '":"\xff\xfe')) },
    { name: "odd charset", body: text, headers: json("application/json; charset=x-evil") },
    { name: "gzip", body: packed(gzipSync), headers: coded("gzip") },
    { name: "deflate", body: packed(deflateSync), headers: coded("deflate") },
    { name: "brotli", body: packed(brotliCompressSync), headers: coded("br") },
    { name: "gzip bomb", body: bomb, headers: coded("gzip") },
    { name: "coding that is not true", body: text, headers: coded("gzip, deflate, br") },
    ...TYPES.map((type) => ({ name: type, body: text, headers: json(type) })),
  ];
}

const TYPES = [
  ...["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json5"],
  ...["application/x-www-form-urlencoded", "application/json, text/plain", "json", "*/*"],
  ...[
    "application/json;charset",
    `application/json; x="${"y".repeat(5_000)}"`,
    "application//json",
  ],
  "text/json",
];

function utf16(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint16Array.from(text, (character) => character.charCodeAt(0)).buffer);
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The example with each field of the schema in turn replaced by raw JSON. */
function valuesOf(operation: Operation, example: Record<string, unknown>): HostileBody[] {
  const fields = Object.entries(bodySchema(operation).properties ?? {});
  return fields.flatMap(([field, schema], position) =>
    rawValues(schema, position).map((value) => ({
      name: `${field} ${value.slice(0, 40)}`,
      body: JSON.stringify({ ...example, [field]: "?" }).replace('"?"', () => value),
    }))
  );
}

/** Each field gets every third value, so that all values meet every operation. */
const SHARE = 3;

/** Values for a field itself, and for each field of the objects in it. */
function rawValues(schema: Schema, position: number): string[] {
  const branches = schema.anyOf ?? [schema];
  const nested = branches.flatMap(({ properties, items }) => {
    const inner = properties ?? items?.properties ?? {};
    return Object.keys(inner).flatMap((name) =>
      ['"\\u0000"', "1e400", "{}", '"\\ud800"'].map((value) => {
        const object = `{${JSON.stringify(name)}:${value}}`;
        return items ? `[${object}]` : object;
      })
    );
  });
  return [...RAW_VALUES, ...nested].filter((_, index) => index % SHARE === position % SHARE);
}

test("a body without end is refused when it is too large", async () => {
  const { token } = (await createWorkspace()).admin;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
  });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${stack.functionUrl}/contacts`, { method: "POST", headers, body })
    // The server may answer and close before the client has seen the answer.
    .then((response) => response.json(), () => undefined);
  if (answer) assertEquals(answer.code, "body_too_large");
  // 1 MB, and what the buffers between client and server hold.
  assert(sent < 10_000, String(sent));
});
