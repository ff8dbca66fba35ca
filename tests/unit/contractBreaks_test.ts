/** The comparison of the OpenAPI document with that of an earlier release. */
import { assertEquals } from "@std/assert";
import { breaksOf } from "../../dev/contractBreaks.ts";
import { readFile } from "../support/sourceFiles.ts";

const CURRENT = JSON.parse(await readFile("client-sdk/openapi.json"));

/** A small document. JSON.parse gives it a type that tests may change at will. */
function small() {
  return JSON.parse(JSON.stringify({
    paths: {
      "/a": {
        post: {
          operationId: "a.create",
          parameters: [{ $ref: "#/components/parameters/q" }],
          requestBody: { content: json({ $ref: "#/components/schemas/Input" }) },
          responses: { "201": { content: json({ $ref: "#/components/schemas/Output" }) } },
        },
      },
    },
    components: {
      parameters: { q: { name: "q", in: "query", schema: { type: "string", maxLength: 9 } } },
      schemas: {
        Input: {
          type: "object",
          additionalProperties: false,
          properties: { kind: { type: "string", enum: ["x", "y"] }, name: { type: "string" } },
        },
        Output: {
          type: "object",
          required: ["id"],
          properties: {
            id: { type: "integer" },
            parent: { $ref: "#/components/schemas/Output" },
          },
        },
      },
    },
  }));
}

function json(schema: Record<string, unknown>) {
  return { "application/json": { schema } };
}

const input = (document: ReturnType<typeof small>) => document.components.schemas.Input;
const output = (document: ReturnType<typeof small>) => document.components.schemas.Output;
const operation = (document: ReturnType<typeof small>) => document.paths["/a"].post;

/** What a break is called, and the change that is one. */
const BREAKS: [sentence: string, change: (document: ReturnType<typeof small>) => void][] = [
  ["POST /a does not exist any more.", (it) => delete it.paths["/a"]],
  ["POST /a is called b and not a.create.", (it) => operation(it).operationId = "b"],
  ["POST /a takes no query q any more.", (it) => operation(it).parameters = []],
  ["POST /a query q has maxLength 3.", (it) => it.components.parameters.q.schema.maxLength = 3],
  ["POST /a needs query r.", (it) => {
    operation(it).parameters.push({ name: "r", in: "query", required: true, schema: {} });
  }],
  ["POST /a needs a body.", (it) => operation(it).requestBody.required = true],
  ["POST /a takes no body any more.", (it) => delete operation(it).requestBody],
  ["POST /a body has no name any more.", (it) => delete input(it).properties.name],
  ["POST /a body needs name.", (it) => input(it).required = ["name"]],
  ["POST /a body.name takes no string.", (it) => input(it).properties.name.type = "integer"],
  ["POST /a body.kind does not take y any more.", (it) => input(it).properties.kind.enum.pop()],
  ["POST /a body.name takes certain values alone.", (it) => {
    input(it).properties.name.enum = ["z"];
  }],
  ["POST /a does not answer 201 any more.", (it) => operation(it).responses = {}],
  ["POST /a 201 has no id any more.", (it) => {
    delete output(it).properties.id;
    output(it).required = [];
  }],
  ["POST /a 201 may lack id.", (it) => output(it).required = []],
  ["POST /a 201.id can be null.", (it) => output(it).properties.id.type = ["integer", "null"]],
];

const ADDITIONS: ((document: ReturnType<typeof small>) => void)[] = [
  (it) => it.paths["/b"] = { get: { operationId: "b.get", responses: {} } },
  (it) => operation(it).parameters.push({ name: "r", in: "query", schema: {} }),
  (it) => input(it).properties.more = { type: "string" },
  (it) => input(it).properties.kind.enum.push("z"),
  (it) => input(it).properties.name.type = ["string", "null"],
  (it) => output(it).properties.more = { type: "string" },
  (it) => output(it).required.push("parent"),
  (it) => it.components.parameters.q.schema.maxLength = 99,
];

Deno.test("breaksOf names each change that breaks a client", () => {
  for (const [sentence, change] of BREAKS) {
    const later = small();
    change(later);
    assertEquals(breaksOf(small(), later), [sentence]);
  }
});

Deno.test("breaksOf takes additions for no break", () => {
  for (const change of ADDITIONS) {
    const later = small();
    change(later);
    assertEquals(breaksOf(small(), later), [], String(change));
  }
});

Deno.test("breaksOf reads the whole document", () => {
  assertEquals(breaksOf(CURRENT, CURRENT), []);
  const later = structuredClone(CURRENT);
  delete later.components.schemas.Contact.properties.first_name;
  const breaks = breaksOf(CURRENT, later);
  assertEquals(breaks.length > 1, true);
  assertEquals(breaks.every((sentence) => sentence.endsWith("has no first_name any more.")), true);
});
