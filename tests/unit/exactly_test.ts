/** exactly, only and present: values that must exist. */
import { assertEquals, assertThrows } from "@std/assert";
import { exactly, only, present } from "../support/exactly.ts";

Deno.test("exactly returns `count` items, and throws for fewer and more", () => {
  const [one, two] = exactly(2, ["a", "b"]);
  assertEquals(one + two, "ab");
  assertThrows(() => exactly(2, ["a"]), Error, '2 expected, 1 found: ["a"]');
  assertThrows(() => exactly(2, ["a", "b", "c"]), Error, "2 expected, 3 found");
});

Deno.test("only returns the one item, and throws for none and several", () => {
  assertEquals(only([7]), 7);
  assertThrows(() => only([]), Error, "1 expected, 0 found");
  assertThrows(() => only([7, 8]), Error, "1 expected, 2 found");
});

Deno.test("present returns a value, zero too, and throws with the name of a missing one", () => {
  assertEquals(present(0, "number"), 0);
  assertThrows(() => present(undefined, "header ETag"), Error, "There is no header ETag.");
  assertThrows(() => present(null, "header ETag"), Error, "There is no header ETag.");
});
