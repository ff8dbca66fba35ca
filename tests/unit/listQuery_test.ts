/** Parameters of a list, parsed into a query: conditions, sort, limit, names, formats. */
import { assertEquals, assertThrows } from "@std/assert";
import * as z from "zod";
import { columnsOf } from "../../supabase/functions/_shared/list/columns.ts";
import {
  DEFAULT_LIMIT,
  isFilter,
  isListParameter,
  type ListParameters,
  MAXIMUM_LIMIT,
  type Parameters,
  parseListQuery,
} from "../../supabase/functions/_shared/list/parse.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

const TYPES = {
  id: "bigint",
  name: "text",
  size: "smallint",
  amount: "numeric",
  active: "boolean",
  day: "date",
  seen: "timestamp with time zone",
  tags: "bigint[]",
  emails: "jsonb",
};
const SORTABLE = ["id", "name", "size", "amount", "active", "day", "seen"];

const LIST: ListParameters = {
  columns: columnsOf({ name: "records", columns: TYPES }),
  fields: Object.keys(TYPES),
  includes: ["owner", "company"],
  searchable: true,
  csv: ["id", "name"],
  filters: { due: { schema: z.enum(["today", "week"], "Use today or week."), description: "" } },
};

function parse(parameters: Parameters) {
  return parseListQuery(parameters, LIST);
}

/** The conditions of a query, as text. */
function conditions(parameters: Parameters): string[] {
  return parse(parameters).conditions
    .map(({ column, operator, value }) => `${column.name} ${operator} ${value}`);
}

/** Requires a problem that names the first parameter, or `name`. */
function refusal(parameters: Parameters, name = Object.keys(parameters)[0] ?? "") {
  const text = JSON.stringify(parameters).slice(0, 200);
  const problem = assertThrows(() => parse(parameters), Problem, "", text);
  assertEquals([problem.code, problem.status], ["invalid_parameter", 400], text);
  assertEquals(Object.keys(problem.errors ?? {}), [name], text);
  return { message: problem.errors?.[name], allowed: problem.members.allowed };
}

Deno.test("parseListQuery without parameters is the first page of all fields", () => {
  assertEquals(parse({}), {
    conditions: [],
    words: undefined,
    filters: {},
    sort: [],
    limit: DEFAULT_LIMIT,
    cursor: undefined,
    offset: undefined,
    count: undefined,
    select: LIST.fields,
    include: [],
    format: undefined,
    feed: undefined,
  });
});

Deno.test("parseListQuery reads a condition by its operator, eq without one, cs for arrays", () => {
  assertEquals(conditions({ name: "Ada" }), ["name eq Ada"]);
  assertEquals(conditions({ name: "a@b.example" }), ["name eq a@b.example"]);
  assertEquals(conditions({ "name@ilike": "%a%" }), ["name ilike %a%"]);
  assertEquals(conditions({ "size@gte": "10", "size@lt": "500" }), ["size gte 10", "size lt 500"]);
  assertEquals(conditions({ "id@in": "(1,2)" }), ["id in (1,2)"]);
  assertEquals(conditions({ tags: "1,2" }), ["tags cs 1,2"]);
  assertEquals(conditions({ "active@is": "true" }), ["active is true"]);
});

Deno.test("parseListQuery reads every value of a repeated condition", () => {
  assertEquals(conditions({ name: ["a", "b"] }), ["name eq a", "name eq b"]);
  assertEquals(conditions({ "id@gt": ["1", "2"] }), ["id gt 1", "id gt 2"]);
});

Deno.test("parseListQuery reads PostgREST's is.null, unless an operator is given", () => {
  assertEquals(conditions({ day: "is.null", name: "not.is.null" }), [
    "day is null",
    "name is not.null",
  ]);
  assertEquals(conditions({ name: "is.not.null" }), ["name is not.null"]);
  assertEquals(conditions({ "name@eq": "is.null" }), ["name eq is.null"]);
});

Deno.test("parseListQuery normalizes the offset of a time", () => {
  assertEquals(conditions({ seen: "2024-05-01T10:00:00 02:00" }), [
    "seen eq 2024-05-01T10:00:00+02:00",
  ]);
});

Deno.test("parseListQuery names the condition whose value does not fit", () => {
  for (const name of ["id", "size", "amount", "active", "day", "seen", "tags"]) {
    refusal({ [name]: "x" });
  }
  refusal({ "id@in": "1,x" });
  assertEquals(refusal({ "name@is": "maybe" }).message, "Use one of: null, not.null.");
  assertEquals(refusal({ "active@is": "yes" }).message, "Use one of: null, not.null, true, false.");
});

Deno.test("parseListQuery takes at most 30 conditions, and 1 to 1,000 values in one", () => {
  assertEquals(conditions({ name: Array(30).fill("a") }).length, 30);
  refusal({ name: Array(31).fill("a") }, "filter");
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index).join();
  assertEquals(conditions({ "id@in": ids(1_000) }).length, 1);
  refusal({ "id@in": ids(1_001) });
  refusal({ "id@in": "" });
});

Deno.test("parseListQuery reads sort keys with their directions, each column once, at most five", () => {
  const sort = (text: string) =>
    parse({ sort: text }).sort.map(({ column, descending }) =>
      (descending ? "-" : "") + column.name
    );
  assertEquals(sort("-seen, name"), ["-seen", "name"]);
  assertEquals(sort("name,-name,id"), ["name", "id"]);
  assertEquals(sort(""), []);
  const wrong = ["nope", "tags", "emails", "name desc", "name,,id", "--name", "__proto__"];
  for (const text of wrong) assertEquals(refusal({ sort: text }).allowed, SORTABLE, text);
  const { message } = refusal({ sort: "id,name,size,amount,day,-id" });
  assertEquals(message, "Use at most 5 columns.");
});

Deno.test("parseListQuery takes limits from 1 to the maximum", () => {
  for (const limit of ["1", "025", String(MAXIMUM_LIMIT)]) {
    assertEquals(parse({ limit }).limit, Number(limit));
  }
  const wrong = ["0", "-1", "1.5", "1e2", " 1", "", "x", "99999", String(MAXIMUM_LIMIT + 1)];
  for (const limit of wrong) refusal({ limit });
});

Deno.test("parseListQuery reads select and include: known names, each once, in order", () => {
  assertEquals(parse({ select: "name, id,name" }).select, ["name", "id"]);
  assertEquals(parse({ include: "company, owner" }).include, ["company", "owner"]);
  for (const wrong of ["nope", "*", "", ",", "__proto__"]) {
    assertEquals(refusal({ select: wrong }).allowed, LIST.fields);
    assertEquals(refusal({ include: wrong }).allowed, LIST.includes);
  }
});

Deno.test("parseListQuery trims words, drops NUL, and takes blank ones as no search", () => {
  assertEquals(parse({ q: "  ada \0 lovelace " }).words, "ada   lovelace");
  for (const q of ["", "   ", "\0"]) assertEquals(parse({ q }).words, undefined);
  assertEquals(parse({ q: "x".repeat(1_000) }).words?.length, 1_000);
  refusal({ q: "x".repeat(1_001) });
});

Deno.test("parseListQuery reads count as exact or estimated", () => {
  assertEquals(parse({ count: "exact" }).count, "exact");
  assertEquals(parse({ count: "estimated" }).count, "estimated");
  for (const count of ["", "true", "all", "EXACT", "planned"]) refusal({ count });
});

Deno.test("parseListQuery checks a list's own filter by its schema", () => {
  assertEquals(parse({ due: "week" }).filters, { due: "week" });
  assertEquals(refusal({ due: "never" }).message, "Use today or week.");
});

Deno.test("parseListQuery refuses a parameter that is given twice", () => {
  for (
    const name of ["sort", "limit", "cursor", "offset", "count", "select", "include", "q", "due"]
  ) {
    assertEquals(refusal({ [name]: ["today", "today"] }).message, "Give it once.");
  }
});

Deno.test("parseListQuery refuses parameters of a page in an export", () => {
  assertEquals(parse({ format: "json", limit: "5" }).format, undefined);
  assertEquals(parse({ format: "csv", sort: "name", q: "x" }).format, "csv");
  assertEquals(parse({ format: "ndjson", select: "id", include: "owner" }).format, "ndjson");
  refusal({ format: "xlsx" });
  for (const name of ["limit", "cursor", "offset"]) {
    for (const format of ["csv", "ndjson"]) refusal({ [name]: "1", format });
  }
  refusal({ count: "exact", format: "csv" });
  refusal({ count: "exact", format: "ndjson" });
  refusal({ select: "id", format: "csv" });
  refusal({ include: "owner", format: "csv" });
});

Deno.test("isListParameter knows names and operators; isFilter knows those that choose records", () => {
  const parameters = [
    ...["sort", "limit", "cursor", "offset", "count", "select", "include", "format"],
  ];
  const filters = ["q", "due", "name", "name@ilike", "tags@ov", "id@gt", "id@in", "emails@is"];
  for (const name of [...parameters, ...filters]) {
    assertEquals(isListParameter(name, LIST), true, name);
    assertEquals(isFilter(name, LIST), filters.includes(name), name);
  }
});

Deno.test("isListParameter refuses other operators, and names that objects inherit", () => {
  const unknown = ["nope", "name@nope", "tags@gt", "active@gt", "name@eq@eq", "name@", "@eq", ""];
  const inherited = ["__proto__", "constructor", "toString@eq", "valueOf", "hasOwnProperty"];
  for (const name of [...unknown, ...inherited, "page"]) {
    assertEquals(isListParameter(name, LIST), false, name);
    assertEquals(isFilter(name, LIST), false, name);
  }
});

Deno.test("isListParameter knows q and format only for lists that have them", () => {
  const plain: ListParameters = { ...LIST, searchable: false, csv: undefined };
  assertEquals([isListParameter("q", plain), isListParameter("format", plain)], [false, false]);
});
