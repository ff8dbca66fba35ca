/** Cursors: what goes in comes out, and nothing else is taken. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeCursor,
  encodeCursor,
  isMadeFor,
} from "../../../supabase/functions/_shared/list/cursor.ts";
import { Problem } from "../../../supabase/functions/_shared/problem.ts";

const BINDING = '["contacts",[],"sort"]';

function assertRefused(cursor: string, keyLength = 2): void {
  const problem = assertThrows(() => decodeCursor(cursor, BINDING, keyLength), Problem);
  assertEquals([problem.code, problem.status], ["invalid_cursor", 400], cursor);
}

function encoded(...parts: unknown[]): string {
  return btoa(JSON.stringify(parts)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

Deno.test("a cursor keeps its position: nulls, quotes, any letters", () => {
  const positions = [
    { key: ["2024-05-01 10:00:00.000001+00", "7"], offset: 25 },
    { key: [null, "7"], offset: 0 },
    { key: ["", 'Łódź "quoted", \\ and 𝔘\n'], offset: Number.MAX_SAFE_INTEGER },
  ];
  for (const position of positions) {
    const cursor = encodeCursor(position, BINDING);
    assertEquals(decodeCursor(cursor, BINDING, 2), position);
    assertEquals(encodeURIComponent(cursor), cursor, "it needs no escaping in a URL");
  }
});

Deno.test("a cursor is refused under another binding", () => {
  const cursor = encodeCursor({ key: ["a", "7"], offset: 25 }, BINDING);
  assertEquals([isMadeFor(cursor, BINDING), isMadeFor(cursor, "other")], [true, false]);
  const problem = assertThrows(() => decodeCursor(cursor, "other", 2), Problem);
  assertEquals(problem.code, "invalid_cursor");
  assertEquals(problem.detail.includes("another sort or filter"), true, problem.detail);
});

Deno.test("a cursor of another length, version or type is refused", () => {
  const cursor = encodeCursor({ key: ["a", "7"], offset: 25 }, BINDING);
  const [version, bound, offset] = JSON.parse(atob(cursor));
  assertEquals(decodeCursor(encoded(version, bound, offset, "a", "7"), BINDING, 2).offset, 25);
  assertRefused(cursor, 1);
  assertRefused(cursor, 3);
  assertRefused(encoded(version + 1, bound, offset, "a", "7"));
  for (const wrong of [-1, 1.5, 1e300, "25", null]) {
    assertRefused(encoded(version, bound, wrong, "a", "7"));
  }
  for (const wrong of [7, true, ["7"], { id: "7" }]) {
    assertRefused(encoded(version, bound, offset, "a", wrong));
  }
});

Deno.test("what is no cursor is refused, and made for no list", () => {
  const texts = ["", "x", "%00", "a".repeat(5_000), btoa("null"), btoa("{}"), "4oKs", "gICA"];
  for (const text of texts) {
    assertRefused(text);
    assertRefused(text, 0);
    assertEquals(isMadeFor(text, BINDING), false);
    assertEquals(isMadeFor(text, ""), false);
  }
});
