/** Fields that several resources share: ids, times, booleans, and names of included records. */
import { assert, assertEquals } from "@std/assert";
import {
  booleanText,
  idParams,
  includeQuery,
  timestamp,
} from "../../supabase/functions/_shared/fields.ts";

Deno.test("idParams accepts plain digits from 1", () => {
  assertEquals(idParams.parse({ id: "1" }), { id: 1 });
  assertEquals(idParams.parse({ id: "9007199254740991" }), { id: Number.MAX_SAFE_INTEGER });
  for (const id of ["", "0", "-1", "1.0", "01", "1e3", " 1", "x", "9007199254740992", "0x1"]) {
    assertEquals(idParams.safeParse({ id }).success, false, id);
  }
});

Deno.test("timestamp accepts the times of RFC 3339 that Postgres accepts", () => {
  for (
    const text of [
      "2024-05-01T10:00:00Z",
      "2024-05-01T10:00:00.123456+02:00",
      "2024-02-29T00:00:00-15:59",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999Z",
      "9999-12-31T23:59:59+01:00",
    ]
  ) {
    assert(timestamp.safeParse(text).success, text);
  }
  for (
    const text of [
      ...["", "now", "2024-05-01", "2024-05-01T10:00:00", "2024-05-01 10:00:00Z", "infinity"],
      ...["2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "0000-01-01T00:00:00Z"],
      ...["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"],
      ...["2024-05-01T25:00:00Z", "2024-05-01T10:00:00+16:00", "2024-05-01T10:00:00-23:00"],
    ]
  ) {
    assertEquals(timestamp.safeParse(text).success, false, text);
  }
});

Deno.test("booleanText accepts only true and false", () => {
  assertEquals([booleanText.parse("true"), booleanText.parse("false")], [true, false]);
  for (const text of ["", "1", "yes", "TRUE", undefined]) {
    assertEquals(booleanText.safeParse(text).success, false, String(text));
  }
});

Deno.test("includeQuery splits names and refuses others", () => {
  const query = includeQuery(["company", "owner"]);
  assertEquals(query.parse({ include: "owner, company" }).include, ["owner", "company"]);
  assertEquals(query.parse({}).include, undefined);
  for (const include of ["", "nope", "owner,", "__proto__"]) {
    assertEquals(query.safeParse({ include }).success, false, include);
  }
});
