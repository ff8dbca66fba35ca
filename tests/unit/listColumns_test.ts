/** Parameters of a list, from text to a query. */
import { assertEquals, assertThrows } from "@std/assert";
import * as z from "zod";
import { columnOf, parseList } from "../../supabase/functions/_shared/list/columns.ts";
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
  website: "citext",
  size: "smallint",
  amount: "numeric",
  active: "boolean",
  day: "date",
  seen: "timestamp with time zone",
  tags: "bigint[]",
  emails: "jsonb",
};

const list: ListParameters = {
  columns: Object.fromEntries(
    Object.entries(TYPES).map(([name, type]) => [name, known(columnOf(name, type))]),
  ),
  fields: Object.keys(TYPES),
  includes: ["owner", "company"],
  searchable: true,
  csv: ["id", "name"],
  filters: { due: { schema: z.enum(["today", "week"], "Use today or week."), description: "" } },
};

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("The type has no operators");
  return value;
}

function parse(parameters: Parameters) {
  return parseListQuery(parameters, list);
}

/** The conditions as text. */
function conditions(parameters: Parameters): string[] {
  return parse(parameters).conditions
    .map(({ column, operator, value }) => `${column.name} ${operator} ${value}`);
}

/** Requires 400 for these parameters, and returns the message for the one that is named. */
function refusal(parameters: Parameters, name = Object.keys(parameters)[0] ?? ""): string {
  const problem = assertThrows(() => parse(parameters), Problem);
  assertEquals([problem.code, problem.status], ["invalid_parameter", 400]);
  assertEquals(Object.keys(problem.errors ?? {}), [name]);
  return problem.errors?.[name] ?? "";
}

Deno.test("a list without parameters is the first page of all fields", () => {
  assertEquals(parse({}), {
    conditions: [],
    words: undefined,
    filters: {},
    sort: [],
    limit: DEFAULT_LIMIT,
    cursor: undefined,
    count: undefined,
    select: list.fields,
    include: [],
    format: undefined,
  });
});

Deno.test("conditions: eq unless said otherwise, cs for arrays, both ways to write null", () => {
  assertEquals(conditions({ name: "Ada" }), ["name eq Ada"]);
  assertEquals(conditions({ tags: "1,2" }), ["tags cs 1,2"]);
  assertEquals(conditions({ "size@gte": "10", "size@lt": "500" }), ["size gte 10", "size lt 500"]);
  assertEquals(conditions({ "id@in": "(1,2)" }), ["id in (1,2)"]);
  assertEquals(conditions({ name: ["a", "b"] }), ["name eq a", "name eq b"]);
  assertEquals(conditions({ day: "is.null", name: "not.is.null" }), [
    "day is null",
    "name is not.null",
  ]);
  assertEquals(conditions({ "name@eq": "is.null" }), ["name eq is.null"]);
  assertEquals(conditions({ "active@is": "true" }), ["active is true"]);
});

Deno.test("a space in a time's offset was a plus sign that nobody escaped", () => {
  assertEquals(conditions({ seen: "2024-05-01T10:00:00 02:00" }), [
    "seen eq 2024-05-01T10:00:00+02:00",
  ]);
});

Deno.test("every type takes its values and refuses others", () => {
  const values: Record<string, [string[], string[]]> = {
    id: [["0", "-1", "999999999999999999"], ["", "1.5", "1e3", "0x1", " 1", "1".repeat(19)]],
    size: [["10"], ["ten"]],
    amount: [["1.50", "-3"], ["1.", ".5", "1,5", "NaN"]],
    active: [["true", "false"], ["TRUE", "1", ""]],
    day: [["2024-02-29", "0001-01-01"], ["2023-02-29", "2024-13-01", "0000-01-01", "today"]],
    seen: [
      ["2024-05-01", "2024-05-01T10:00", "2024-05-01T10:00:00.123456Z", "2024-05-01 10:00-15:59"],
      ["now", "infinity", "2024-05-01T25:00", "2024-05-01T10:00+16:00"],
    ],
    tags: [["1", "{1,2}", "{}", ""], ["x", "1;2", "{1,}", "{{1}}"]],
    name: [["", "anything"], ["\0"]],
  };
  for (const [name, [right, wrong]] of Object.entries(values)) {
    for (const value of right) assertEquals(conditions({ [name]: value }).length, 1, value);
    for (const value of wrong) refusal({ [name]: value });
  }
  assertEquals(refusal({ "name@is": "maybe" }), "Use one of: null, not.null.");
  assertEquals(refusal({ "active@is": "maybe" }), "Use one of: null, not.null, true, false.");
});

Deno.test("there are at most 30 conditions, and 1,000 values in one", () => {
  assertEquals(conditions({ name: Array(30).fill("a") }).length, 30);
  refusal({ name: Array(31).fill("a") }, "filter");
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index).join();
  assertEquals(conditions({ "id@in": ids(1_000) }).length, 1);
  refusal({ "id@in": ids(1_001) });
  refusal({ "id@in": "" });
});

Deno.test("lists of values: commas, brackets, quotes", () => {
  assertEquals(parseList("a,b"), ["a", "b"]);
  assertEquals(parseList("(a, b)"), ["a", "b"]);
  assertEquals(parseList('"a,b",c'), ["a,b", "c"]);
  assertEquals(parseList('"say \\"hi\\"","back\\\\slash"'), ['say "hi"', "back\\slash"]);
  assertEquals(parseList(""), []);
});

Deno.test("sort: columns in turn, each once, at most five", () => {
  const sort = (text: string) =>
    parse({ sort: text }).sort.map(({ column, descending }) =>
      (descending ? "-" : "") + column.name
    );
  assertEquals(sort("-seen, name"), ["-seen", "name"]);
  assertEquals(sort("name,-name,id"), ["name", "id"]);
  assertEquals(sort(""), []);
  for (const wrong of ["nope", "tags", "emails", "name desc", "--name", "__proto__"]) {
    refusal({ sort: wrong });
  }
  assertEquals(refusal({ sort: "id,name,size,amount,day,seen" }), "Use at most 5 columns.");
});

Deno.test("limit: from 1 to the maximum", () => {
  assertEquals(parse({ limit: "1" }).limit, 1);
  assertEquals(parse({ limit: String(MAXIMUM_LIMIT) }).limit, MAXIMUM_LIMIT);
  for (const wrong of ["0", "-1", String(MAXIMUM_LIMIT + 1), "1.5", "x", "", "1e2"]) {
    refusal({ limit: wrong });
  }
});

Deno.test("select and include: known names, each once, in the order of the request", () => {
  assertEquals(parse({ select: "name,id,name" }).select, ["name", "id"]);
  assertEquals(parse({ include: "company, owner" }).include, ["company", "owner"]);
  for (const wrong of ["nope", "*", "", ",", "__proto__"]) {
    refusal({ select: wrong });
    refusal({ include: wrong });
  }
});

Deno.test("q: trimmed, without NUL, at most 1,000 characters", () => {
  assertEquals(parse({ q: "  ada\0lovelace " }).words, "ada lovelace");
  assertEquals(parse({ q: " \0 " }).words, undefined);
  assertEquals(parse({ q: "x".repeat(1_000) }).words?.length, 1_000);
  refusal({ q: "x".repeat(1_001) });
});

Deno.test("format: an export takes no parameter of a page", () => {
  assertEquals(parse({ format: "json", limit: "5" }).format, undefined);
  assertEquals(parse({ format: "csv", sort: "name", q: "x" }).format, "csv");
  assertEquals(parse({ format: "ndjson", select: "id" }).format, "ndjson");
  refusal({ format: "xlsx" });
  for (const page of ["limit", "cursor", "count"]) refusal({ [page]: "1", format: "ndjson" });
  for (const fields of ["select", "include"]) refusal({ [fields]: "id", format: "csv" });
});

Deno.test("a single parameter is given once, a filter of the list's own has its own schema", () => {
  for (const name of ["sort", "limit", "cursor", "count", "select", "include", "q", "due"]) {
    assertEquals(refusal({ [name]: ["today", "today"] }), "Give it once.");
  }
  assertEquals(parse({ due: "week" }).filters, { due: "week" });
  assertEquals(refusal({ due: "never" }), "Use today or week.");
  refusal({ count: "all" });
});

Deno.test("a list knows its parameters by name, and tells filters from the rest", () => {
  const parameters = ["sort", "limit", "cursor", "count", "select", "include", "format"];
  const filters = ["q", "due", "name", "name@ilike", "tags@ov", "id@in", "emails@is"];
  for (const name of [...parameters, ...filters]) {
    assertEquals(isListParameter(name, list), true, name);
    assertEquals(isFilter(name, list), filters.includes(name), name);
  }
  const unknown = ["nope", "name@nope", "tags@gt", "active@gt", "name@eq@eq", "@eq", "__proto__"];
  for (const name of [...unknown, "constructor", "toString@eq", "offset", "name@"]) {
    assertEquals(isListParameter(name, list), false, name);
  }
  const plain: ListParameters = { ...list, searchable: false, csv: undefined };
  assertEquals(isListParameter("q", plain), false);
  assertEquals(isListParameter("format", plain), false);
});
