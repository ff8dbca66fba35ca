/** Entity tags of an `If-Match` header and of a record. */
import { assertEquals, assertThrows } from "@std/assert";
import { entityTagOf, parseIfMatch } from "../../supabase/functions/_shared/http/entityTag.ts";
import { requireMatch } from "../../supabase/functions/_shared/records/records.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

Deno.test("parseIfMatch reads one tag or several, weak ones too", () => {
  assertEquals(parseIfMatch('"a"'), ["a"]);
  assertEquals(parseIfMatch('"a", W/"b" ,"c d"'), ["a", "b", "c d"]);
  assertEquals(parseIfMatch('""'), [""]);
});

Deno.test("parseIfMatch returns undefined without a header, and for *", () => {
  assertEquals(parseIfMatch(undefined), undefined);
  assertEquals(parseIfMatch(" * "), undefined);
});

Deno.test("parseIfMatch refuses a malformed entity tag", () => {
  for (const header of ["", "a", '"a', 'a"', '"a" "b"', '"a",', "W/a", 'w/"a"', '*, "a"']) {
    const problem = assertThrows(() => parseIfMatch(header), Problem, "", header);
    assertEquals([problem.code, problem.status], ["invalid_header", 400], header);
    assertEquals(Object.keys(problem.errors ?? {}), ["if-match"]);
  }
});

Deno.test("entityTagOf returns a record's version in quotes, and undefined for other bodies", () => {
  assertEquals(entityTagOf({ id: 1, updated_at: "2024-05-01" }), '"2024-05-01"');
  for (const body of [undefined, null, "text", [], {}, { updated_at: 7 }, { data: [] }]) {
    assertEquals(entityTagOf(body), undefined, JSON.stringify(body));
  }
});

Deno.test("requireMatch refuses another version with the current record and its tag", () => {
  const current = { updated_at: "2" };
  requireMatch(current, undefined);
  requireMatch(current, ["1", "2"]);
  const problem = assertThrows(() => requireMatch(current, ["1"]), Problem);
  assertEquals(problem.code, "precondition_failed");
  assertEquals(problem.members, { current });
  assertEquals(problem.headers, { ETag: '"2"' });
});
