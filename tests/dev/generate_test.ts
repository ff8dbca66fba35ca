/** The generators: documents that they refuse, and the text that they write. */
import { pageOf, readable } from "../../dev/generate/database.ts";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readDocument } from "../../dev/generate/document.ts";
import { reduce } from "../../dev/generate/drizzle.ts";
import { type CatalogueColumn, emitSchema } from "../../dev/generate/schema.ts";

const operation = (operationId: string, parameters: object[] = []) => ({
  operationId,
  summary: "Something",
  parameters,
  responses: { 200: { description: "Success" } },
});

function documentOf(paths: object): Record<string, unknown> {
  const info = { title: "Test", version: "1" };
  return { openapi: "3.1.0", info, paths, components: { schemas: {} } };
}

Deno.test("generate: readDocument refuses a document that is not OpenAPI 3.1", async () => {
  await assertRejects(() => readDocument({ openapi: "3.1.0", paths: {} }), Error, "info");
});

Deno.test("generate: readDocument refuses a reference to a missing schema", async () => {
  const broken = { ...operation("a.get"), responses: { 200: { $ref: "#/components/none/x" } } };
  await assertRejects(() => readDocument(documentOf({ "/a": { get: broken } })), Error, "none");
});

Deno.test("generate: readDocument refuses two operations with one id", async () => {
  const paths = { "/a": { get: operation("a.get"), post: operation("a.get") } };
  await assertRejects(() => readDocument(documentOf(paths)), Error, "a.get");
});

Deno.test("generate: readDocument refuses a path parameter that is not declared", async () => {
  const paths = { "/a/{id}": { get: operation("a.get") } };
  await assertRejects(() => readDocument(documentOf(paths)), Error, "a.get");
});

Deno.test("generate: reduce keeps only columns, and corrects citext, arrays of views and columns that members may not insert", () => {
  const pulled = `import { pgTable } from "drizzle-orm/pg-core"

export const tags = pgTable("tags", {
	id: bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity({ startWith: 1 }),
	// TODO: failed to parse database type 'citext'
	name: unknown("name").notNull(),
	workspace_id: uuid().notNull(),
	search: tsvector().generatedAlwaysAs(sql\`to_tsvector(name)\`)
}, (table) => [
	index("tags_name").using("btree", table.name),
]);
export const tags_summary = pgView("tags_summary", {	ids: bigint({ mode: "number" }),
}).with({"securityInvoker":"on"}).as(sql\`SELECT secret\`);`;
  const text = reduce(pulled, {
    arrays: new Set(["tags_summary.ids"]),
    setByDatabase: new Set(["tags.id", "tags.workspace_id", "tags.search"]),
  });
  assertStringIncludes(text, "\tname: citext().notNull(),\n");
  assertStringIncludes(text, ".primaryKey().generatedAlwaysAs(sql``),");
  assertStringIncludes(text, "workspace_id: uuid().notNull().generatedAlwaysAs(sql``),\n");
  assertStringIncludes(text, "search: tsvector().generatedAlwaysAs(sql``)\n});");
  assertStringIncludes(text, 'ids: bigint({ mode: "number" }).array(),\n}).existing();');
  assertEquals(/secret|index|securityInvoker/.test(text), false);
});

function column(name: string, type: string, more: Partial<CatalogueColumn> = {}): CatalogueColumn {
  const defaults = { notNull: false, hasDefault: false, generated: false, reference: false };
  return { relation: "tags", isView: false, name, type, ...defaults, ...more };
}

/** The lines of a member of the relation, without its braces. */
function member(text: string, name: string): string[] {
  const [, body = ""] = new RegExp(`^${name}: \\{\\n([^}]*)\\},`, "m").exec(text) ?? [];
  return body.trim().split("\n");
}

Deno.test("generate: emitSchema derives rows and inputs from nullability, defaults and generated columns", () => {
  const text = emitSchema([
    column("id", "bigint", { notNull: true, generated: true }),
    column("workspace_id", "uuid", { notNull: true }),
    column("name", "text", { notNull: true }),
    column("color", "citext", { notNull: true, hasDefault: true }),
    column("sales_id", "bigint", { reference: true }),
    column("due", "timestamp with time zone"),
    column("extra", "jsonb"),
    column("search", "tsvector"),
  ]);
  assertEquals(member(text, "columns").length, 8);
  assertEquals(member(text, "row"), [
    "id: bigint,",
    "name: text,",
    "color: text,",
    "sales_id: nullableBigint,",
    "due: nullableText,",
    "extra: json,",
  ]);
  assertEquals(member(text, "input"), [
    "name: text,",
    "color: optionalText,",
    "sales_id: nullishRecordId,",
    "due: nullishTimestamp,",
    "extra: optionalJson,",
  ]);
  assertStringIncludes(text, 'import { recordId, timestamp } from "./fields.ts";');
  assertStringIncludes(text, "const nullishRecordId = recordId.nullish();");
});

Deno.test("generate: emitSchema gives arrays the shape of their elements, unknown types any value, views no input", () => {
  const view = { isView: true };
  const text = emitSchema([column("ids", "bigint[]", view), column("area", "polygon", view)]);
  assertEquals(member(text, "row"), ["ids: nullableBigintArray,", "area: json,"]);
  assertEquals(text.includes("input: {"), false);
  const shapes = text.match(/^const \w+ = .*$/gm);
  assertEquals(shapes, [
    "const bigint = z.int();",
    "const bigintArray = z.array(bigint);",
    "const nullableBigintArray = bigintArray.nullable();",
    "const json = z.unknown();",
  ]);
});

Deno.test("generate: an expression of the catalogue is written in readable SQL", () => {
  assertEquals(
    readable("((workspace_id = ( SELECT private.workspace_id() AS workspace_id)) AND a.may(id))"),
    "workspace_id = private.workspace_id() and a.may(id)",
  );
  assertEquals(
    readable("((role = ANY (ARRAY['admin'::text, 'REP AND'::text])))"),
    "role in ('admin', 'REP AND')",
  );
  assertEquals(readable("(a) and (b)"), "(a) and (b)");
});

Deno.test("generate: the database page shows tables, permissions and the diagram", () => {
  const page = pageOf([{
    name: "public.tags",
    is_view: false,
    comment: "Labels.",
    columns: [{
      name: "id",
      type: "bigint",
      nullable: false,
      default: "identity",
      comment: "A | B",
    }],
    constraints: [{ name: "tags_pkey", kind: "p", definition: "PRIMARY KEY (id)" }],
    parents: [{ column: "workspace_id", parent: "public.workspaces", required: true }],
    arrays: [],
    indexes: ["CREATE UNIQUE INDEX uq__tags USING btree (name)"],
    policies: [{
      name: "members read",
      command: "select",
      roles: ["authenticated"],
      using: "(id = 1)",
      check: "",
    }],
    triggers: [{ name: "10_a", events: "before insert of each row", comment: "Does it." }],
    grants: [{ role: "authenticated", privileges: "select" }],
  }], []);
  for (
    const line of [
      "  workspaces ||--o{ tags : workspace_id",
      "| `id` | bigint |  | `identity` | A \\| B |",
      "- `tags_pkey`: `primary key (id)`",
      "- `uq__tags`: `unique (name)`",
      "- **members read**: select by authenticated, of rows where `id = 1`",
      "- `10_a`, before insert of each row: Does it.",
      "- `authenticated`: select",
    ]
  ) assertStringIncludes(page, line);
});
