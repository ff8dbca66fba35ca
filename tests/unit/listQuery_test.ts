/** The parameters of a list, parsed: conditions, sort, limit, names, formats. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as z from "zod";
import {
  isFilter,
  isListParameter,
  parseListQuery,
} from "../../supabase/functions/_shared/list/parse.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

type List = Parameters<typeof parseListQuery>[1];
type Column = List["columns"][string];

function column(
  name: string,
  kind: Column["kind"],
  type: string,
  operators: Column["operators"],
): Column {
  const accepts = (text: string) => type !== "bigint" || /^-?\d+$/.test(text);
  return { name, kind, type, operators, sortable: type !== "bigint[]", accepts };
}

const LIST: List = {
  columns: {
    id: column("id", "number", "bigint", ["eq", "gt", "in", "is"]),
    name: column("name", "text", "text", ["eq", "ilike", "in", "is"]),
    active: column("active", "boolean", "boolean", ["eq", "is"]),
    seen: column("seen", "time", "timestamptz", ["eq", "gte"]),
    marks: column("marks", "ids", "bigint[]", ["cs", "ov", "is"]),
  },
  fields: ["id", "name", "active", "seen", "marks"],
  includes: ["owner", "parts"],
  searchable: true,
  csv: ["id", "name"],
  filters: {
    due: { schema: z.enum(["today", "none"], "Use today or none."), description: "Due." },
  },
};

function refusal(parameters: Parameters<typeof parseListQuery>[0]): Problem {
  const text = JSON.stringify(parameters);
  const problem = assertThrows(() => parseListQuery(parameters, LIST), Problem, "", text);
  assertEquals(problem.code, "invalid_parameter", text);
  return problem;
}

/** The only condition of a query, as text. */
function condition(name: string, value: string): string {
  const { conditions } = parseListQuery({ [name]: value }, LIST);
  return conditions.map(({ column, operator, value }) => `${column.name} ${operator} ${value}`)
    .join("; ");
}

Deno.test("parseListQuery has defaults for what is absent", () => {
  const { conditions, words, sort, limit, cursor, count, select, include, format } = parseListQuery(
    {},
    LIST,
  );
  assertEquals({ conditions, sort, limit, include }, {
    conditions: [],
    sort: [],
    limit: 25,
    include: [],
  });
  assertEquals(select, LIST.fields);
  assertEquals({ words, cursor, count, format }, {
    words: undefined,
    cursor: undefined,
    count: undefined,
    format: undefined,
  });
});

Deno.test("parseListQuery reads a comparison by its operator, equality without one", () => {
  assertEquals(condition("name", "Ada"), "name eq Ada");
  assertEquals(condition("name@ilike", "%a%"), "name ilike %a%");
  assertEquals(condition("id@gt", "7"), "id gt 7");
  assertEquals(condition("marks", "3"), "marks cs 3");
  assertEquals(condition("name", "a@b.example"), "name eq a@b.example");
});

Deno.test("parseListQuery reads PostgREST's null as the operator is", () => {
  assertEquals(condition("name", "is.null"), "name is null");
  assertEquals(condition("name", "not.is.null"), "name is not.null");
  assertEquals(condition("name", "is.not.null"), "name is not.null");
  assertEquals(condition("name@eq", "is.null"), "name eq is.null");
});

Deno.test("parseListQuery mends a plus that a URL has made a space", () => {
  assertEquals(condition("seen", "2024-05-01T10:00:00 02:00"), "seen eq 2024-05-01T10:00:00+02:00");
  assertEquals(condition("name", "10:00 02:00"), "name eq 10:00 02:00");
});

Deno.test("parseListQuery takes every value of a repeated comparison", () => {
  const { conditions } = parseListQuery({ "id@gt": ["1", "2"] }, LIST);
  assertEquals(conditions.map(({ value }) => value), ["1", "2"]);
});

Deno.test("parseListQuery names the comparison whose value does not fit", () => {
  const many = Array.from({ length: 1_001 }, (_, index) => index).join();
  for (
    const [name, value] of [
      ["id", "x"],
      ["id@in", "1,x"],
      ["id@in", ""],
      ["id@in", many],
      ["name@is", "maybe"],
      ["active@is", "yes"],
    ] as const
  ) {
    const { errors } = refusal({ [name]: value });
    assertEquals(Object.keys(errors ?? {}), [name], value.slice(0, 20));
  }
});

Deno.test("parseListQuery takes 30 conditions and no more", () => {
  assertEquals(parseListQuery({ id: Array(30).fill("1") }, LIST).conditions.length, 30);
  refusal({ id: Array(31).fill("1") });
});

Deno.test("parseListQuery reads sort keys with their directions, each column once", () => {
  const { sort } = parseListQuery({ sort: "-seen, name,-name" }, LIST);
  assertEquals(sort.map(({ column, descending }) => [column.name, descending]), [
    ["seen", true],
    ["name", false],
  ]);
});

Deno.test("parseListQuery refuses to sort by what is no sortable column", () => {
  for (const sort of ["nope", "marks", "name desc", "name,,id", "--name", "__proto__"]) {
    assertEquals(refusal({ sort }).members.allowed, ["id", "name", "active", "seen"], sort);
  }
  refusal({ sort: "id,name,active,seen,-id,-name" });
});

Deno.test("parseListQuery takes limits from 1 to 200", () => {
  for (const limit of ["1", "200", "025"]) {
    assertEquals(parseListQuery({ limit }, LIST).limit, Number(limit));
  }
  for (const limit of ["0", "201", "-1", "1.5", "1e2", " 1", "", "x", "99999"]) refusal({ limit });
});

Deno.test("parseListQuery reads names, each once, and says which are allowed", () => {
  const { select, include } = parseListQuery({ select: "name, id,name", include: "parts" }, LIST);
  assertEquals({ select, include }, { select: ["name", "id"], include: ["parts"] });
  assertEquals(refusal({ select: "nope" }).members.allowed, LIST.fields);
  assertEquals(refusal({ select: "*" }).members.allowed, LIST.fields);
  assertEquals(refusal({ include: "" }).members.allowed, LIST.includes);
});

Deno.test("parseListQuery trims words, and treats none as no search", () => {
  assertEquals(parseListQuery({ q: "  ada \0 lovelace " }, LIST).words, "ada   lovelace");
  for (const q of ["", "   ", "\0"]) assertEquals(parseListQuery({ q }, LIST).words, undefined);
  assertEquals(parseListQuery({ q: "x".repeat(1_000) }, LIST).words?.length, 1_000);
  refusal({ q: "x".repeat(1_001) });
});

Deno.test("parseListQuery refuses what is given twice", () => {
  for (const name of ["sort", "limit", "cursor", "count", "select", "include", "q", "due"]) {
    assertEquals(Object.keys(refusal({ [name]: ["1", "1"] }).errors ?? {}), [name]);
  }
});

Deno.test("parseListQuery counts exactly or by estimate", () => {
  assertEquals(parseListQuery({ count: "exact" }, LIST).count, "exact");
  assertEquals(parseListQuery({ count: "estimated" }, LIST).count, "estimated");
  for (const count of ["", "true", "EXACT", "planned"]) refusal({ count });
});

Deno.test("parseListQuery reads a list's own filter by its schema", () => {
  assertEquals(parseListQuery({ due: "today" }, LIST).filters, { due: "today" });
  assertEquals(refusal({ due: "later" }).errors, { due: "Use today or none." });
});

Deno.test("parseListQuery refuses parameters of a page in an export", () => {
  assertEquals(parseListQuery({ format: "csv", sort: "name", q: "a" }, LIST).format, "csv");
  assertEquals(parseListQuery({ format: "json", limit: "5" }, LIST).format, undefined);
  const withFields = { format: "ndjson", select: "id", include: "owner" };
  assertEquals(parseListQuery(withFields, LIST).format, "ndjson");
  refusal({ format: "xlsx" });
  for (const name of ["limit", "cursor", "count", "select", "include"]) {
    const { errors } = refusal({ format: "csv", [name]: name === "count" ? "exact" : "1" });
    assertEquals(Object.keys(errors ?? {}), [name]);
  }
});

Deno.test("isListParameter knows names and operators, and nothing that objects inherit", () => {
  for (const name of ["sort", "q", "format", "due", "id", "id@gt", "marks@ov", "name@ilike"]) {
    assert(isListParameter(name, LIST), name);
  }
  for (
    const name of [
      ...["nope", "id@ilike", "marks@gt", "id@eq@eq", "@eq", "", "id@", "offset"],
      ...["__proto__", "constructor", "toString@eq", "valueOf", "hasOwnProperty"],
    ]
  ) {
    assertEquals(isListParameter(name, LIST), false, name);
  }
  const bare = { ...LIST, searchable: false, csv: undefined };
  assertEquals([isListParameter("q", bare), isListParameter("format", bare)], [false, false]);
});

Deno.test("isFilter tells what chooses records from what shows them", () => {
  for (const name of ["q", "due", "id", "name@ilike"]) assert(isFilter(name, LIST), name);
  for (const name of ["sort", "limit", "cursor", "count", "select", "include", "format", "nope"]) {
    assertEquals(isFilter(name, LIST), false, name);
  }
});
