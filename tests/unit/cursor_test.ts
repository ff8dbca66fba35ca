/** Cursors: encoding, decoding, and refusal of other text. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  decodeCursor,
  encodeCursor,
  isMadeFor,
} from "../../supabase/functions/_shared/list/cursor.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

const BINDING = "-last_seen,id?status=hot";

function assertRefused(cursor: string, binding = BINDING, keyLength = 2): Problem {
  const problem = assertThrows(() => decodeCursor(cursor, binding, keyLength), Problem, "", cursor);
  assertEquals(problem.code, "invalid_cursor", cursor);
  return problem;
}

/** Any JSON, encoded like a cursor. */
function base64url(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

Deno.test("decodeCursor returns the position that encodeCursor was given", () => {
  for (
    const key of [
      ["2024-05-01 10:00:00.000001+00", "7"],
      [null, "7"],
      ['Zoë, "quoted" \\ 名前 \u{1f600}', ""],
    ]
  ) {
    const cursor = encodeCursor({ key, offset: 25 }, BINDING);
    assertEquals(decodeCursor(cursor, BINDING, 2), { key, offset: 25 });
  }
});

Deno.test("encodeCursor returns text that needs no escaping in a URL", () => {
  const cursor = encodeCursor({ key: ["???>>>~~~ÿÿ", null], offset: 0 }, BINDING);
  assertMatch(cursor, /^[\w-]+$/);
});

Deno.test("decodeCursor refuses a cursor of another sort or filter", () => {
  const cursor = encodeCursor({ key: ["a", "1"], offset: 0 }, BINDING);
  for (const other of ["", "last_seen,id?status=hot", "-last_seen,id?status=cold"]) {
    const { detail } = assertRefused(cursor, other);
    assertMatch(detail, /another sort or filter/, other);
    assertEquals(isMadeFor(cursor, other), false, other);
  }
  assertEquals(isMadeFor(cursor, BINDING), true);
});

Deno.test("decodeCursor refuses a key that is shorter or longer than the sort", () => {
  const cursor = encodeCursor({ key: ["a", "1"], offset: 0 }, BINDING);
  assertRefused(cursor, BINDING, 1);
  assertRefused(cursor, BINDING, 3);
});

Deno.test("decodeCursor refuses text that is no cursor", () => {
  const whole = encodeCursor({ key: ["a", "1"], offset: 0 }, BINDING);
  for (const cursor of ["", "x", "null", whole.slice(0, -3), `${whole}AAAA`, "%00", "ÿ", "//8="]) {
    assertRefused(cursor);
  }
});

Deno.test("decodeCursor refuses JSON of another form", () => {
  const whole = encodeCursor({ key: ["a", "1"], offset: 0 }, BINDING);
  const [version, bound] = JSON.parse(
    new TextDecoder().decode(Uint8Array.fromBase64(whole, { alphabet: "base64url" })),
  );
  const forged = [
    null,
    {},
    [],
    "text",
    [version],
    [99, bound, 0, "a", "1"],
    [version, bound, -1, "a", "1"],
    [version, bound, 0.5, "a", "1"],
    [version, bound, "0", "a", "1"],
    [version, bound, 0, 1, "1"],
    [version, bound, 0, { a: 1 }, "1"],
    [version, bound, 0, ["a"], "1"],
  ];
  for (const value of forged) assertRefused(base64url(value));
  assertEquals(decodeCursor(base64url([version, bound, 0, "a", "1"]), BINDING, 2).offset, 0);
});
