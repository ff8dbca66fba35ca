/** Columns of lists: their operators, the values that each type takes, and lists of values. */
import { assertEquals } from "@std/assert";
import {
  type Column,
  columnOf,
  columnsOf,
  filterableColumns,
  normalizeValue,
  parseList,
} from "../../supabase/functions/_shared/list/columns.ts";
import { present } from "../support/exactly.ts";

const COMPARISONS = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "is"];

function column(type: string): Column {
  return present(columnOf("field", type), type);
}

Deno.test("columnOf gives each type its operators, and sorts by all but arrays and JSON", () => {
  const expected: Record<string, [operators: string[], sortable: boolean]> = {
    "bigint": [COMPARISONS, true],
    "integer": [COMPARISONS, true],
    "smallint": [COMPARISONS, true],
    "numeric": [COMPARISONS, true],
    "date": [COMPARISONS, true],
    "timestamp with time zone": [COMPARISONS, true],
    "text": [[...COMPARISONS, "like", "ilike"], true],
    "citext": [[...COMPARISONS, "like", "ilike"], true],
    "boolean": [["eq", "neq", "is"], true],
    "uuid": [["eq", "neq", "in", "is"], true],
    "bigint[]": [["cs", "cd", "ov", "is"], false],
    "jsonb": [["eq", "is"], false],
    "json": [["is"], false],
  };
  for (const [type, [operators, sortable]] of Object.entries(expected)) {
    assertEquals([column(type).operators, column(type).sortable], [operators, sortable], type);
  }
});

Deno.test("columnsOf leaves out columns of types that no operator compares", () => {
  const relation = { name: "t", columns: { id: "bigint", search: "tsvector", name: "text" } };
  assertEquals(Object.keys(columnsOf(relation)), ["id", "name"]);
  assertEquals(columnOf("search", "tsvector"), undefined);
});

Deno.test("filterableColumns asks JSON without a condition on its elements only for null", () => {
  const columns = columnsOf({
    name: "t",
    columns: { id: "bigint", emails: "jsonb", logo: "jsonb", hidden: "text" },
  });
  const filterable = filterableColumns(columns, ["id", "emails", "logo"], ["emails"], []);
  const operators = Object.values(filterable).map(({ name, operators }) => [name, operators]);
  assertEquals(operators, [["id", COMPARISONS], ["emails", ["eq", "is"]], ["logo", ["is"]]]);
});

Deno.test("filterableColumns gives long text no patterns", () => {
  const columns = columnsOf({ name: "t", columns: { name: "text", page: "text" } });
  const { name, page } = filterableColumns(columns, ["name", "page"], [], ["page"]);
  assertEquals(name?.operators, [...COMPARISONS, "like", "ilike"]);
  assertEquals(page?.operators, COMPARISONS);
});

Deno.test("every type accepts its values and refuses others", () => {
  const values: Record<string, [right: string[], wrong: string[]]> = {
    bigint: [["0", "-1", "999999999999999999"], ["", "1.5", "1e3", "0x1", " 1", "1".repeat(19)]],
    smallint: [["10", "99999"], ["ten"]],
    numeric: [["1.50", "-3"], ["1.", ".5", "1,5", "NaN"]],
    boolean: [["true", "false"], ["TRUE", "1", ""]],
    uuid: [["6f9619ff-8b86-d011-b42d-00c04fc964ff"], ["6f9619ff", ""]],
    date: [["2024-02-29", "0001-01-01"], ["2023-02-29", "2024-13-01", "0000-01-01", "today"]],
    "timestamp with time zone": [
      ["2024-05-01", "2024-05-01T10:00", "2024-05-01T10:00:00.123456Z", "2024-05-01 10:00-15:59"],
      ["now", "infinity", "2024-05-01T25:00", "2024-05-01T10:00+16:00"],
    ],
    "bigint[]": [["1", "{1,2}", "{}", ""], ["x", "1;2", "{1,}", "{{1}}"]],
    text: [["", "anything"], ["\0"]],
  };
  for (const [type, [right, wrong]] of Object.entries(values)) {
    for (const value of right) assertEquals(column(type).accepts(value), true, `${type} ${value}`);
    for (const value of wrong) assertEquals(column(type).accepts(value), false, `${type} ${value}`);
  }
});

Deno.test("normalizeValue turns the space of a time's offset back into a plus sign", () => {
  const time = column("timestamp with time zone");
  assertEquals(normalizeValue(time, "2024-05-01T10:00:00 02:00"), "2024-05-01T10:00:00+02:00");
  assertEquals(normalizeValue(time, "2024-05-01 10:00"), "2024-05-01 10:00");
  assertEquals(normalizeValue(column("text"), "10:00 02:00"), "10:00 02:00");
});

Deno.test("parseList splits at commas, takes brackets off, and keeps quoted values whole", () => {
  assertEquals(parseList("a,b"), ["a", "b"]);
  assertEquals(parseList("(a, b)"), ["a", "b"]);
  assertEquals(parseList('"a,b",c'), ["a,b", "c"]);
  assertEquals(parseList('"say \\"hi\\"","back\\\\slash"'), ['say "hi"', "back\\slash"]);
  assertEquals(parseList(""), []);
});
