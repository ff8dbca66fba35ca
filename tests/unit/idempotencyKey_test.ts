/** The Idempotency-Key header, and the fingerprint of a request. */
import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import {
  fingerprintOf,
  parseIdempotencyKey,
} from "../../supabase/functions/_shared/http/idempotency.ts";
import { Problem } from "../../supabase/functions/_shared/problem.ts";

Deno.test("parseIdempotencyKey reads a quoted key and a bare one alike", () => {
  const uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
  for (const header of [uuid, `"${uuid}"`, ` ${uuid} `]) {
    assertEquals(parseIdempotencyKey(header), uuid, header);
  }
  assertEquals(parseIdempotencyKey(undefined), undefined);
});

Deno.test("parseIdempotencyKey accepts 1 to 255 visible ASCII characters", () => {
  assertEquals(parseIdempotencyKey("!"), "!");
  assertEquals(parseIdempotencyKey("x".repeat(255))?.length, 255);
  for (const header of ["", '""', " ", "a b", '"a b"', 'a"b', '"', "é", "a\tb", "x".repeat(256)]) {
    const problem = assertThrows(() => parseIdempotencyKey(header), Problem, "", header);
    assertEquals([problem.code, problem.status], ["invalid_idempotency_key", 400], header);
  }
});

Deno.test("fingerprintOf differs for different requests, also when parts are split differently", async () => {
  const fingerprint = await fingerprintOf("POST", "/contacts", "{}");
  assertMatch(fingerprint, /^[0-9a-f]{64}$/);
  assertEquals(await fingerprintOf("POST", "/contacts", "{}"), fingerprint);
  assertNotEquals(await fingerprintOf("POST", "/contacts{}", ""), fingerprint);
  assertNotEquals(await fingerprintOf("POST", "/contacts", "{ }"), fingerprint);
});
