/** What tests ask for is there, or they fail where they asked. */
import { assertEquals, assertThrows } from "@std/assert";
import { exactly, only, present } from "../support/exactly.ts";

Deno.test("exactly gives as many items as are asked for, and refuses fewer and more", () => {
  const [one, two] = exactly(2, ["a", "b"]);
  assertEquals(one + two, "ab");
  assertThrows(() => exactly(2, ["a"]), Error, '2 expected, 1 found: ["a"]');
  assertThrows(() => exactly(2, ["a", "b", "c"]), Error, "2 expected, 3 found");
});

Deno.test("only gives the one item, and refuses none and several", () => {
  assertEquals(only([7]), 7);
  assertThrows(() => only([]), Error, "1 expected, 0 found");
  assertThrows(() => only([7, 8]), Error, "1 expected, 2 found");
});

Deno.test("present gives a value that is there, zero too, and names one that is not", () => {
  assertEquals(present(0, "number"), 0);
  assertThrows(() => present(undefined, "header ETag"), Error, "There is no header ETag.");
  assertThrows(() => present(null, "header ETag"), Error, "There is no header ETag.");
});
