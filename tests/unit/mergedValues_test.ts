/** mergedValues: the winner's values after a merge. */
import { assertEquals } from "@std/assert";
import { contactMergeRules } from "../../supabase/functions/api/contacts/mergeRules.ts";
import {
  mergedValues as merged,
  type StoredRecord as StoredContact,
} from "../../supabase/functions/api/merges/mergedValues.ts";

function mergedValues(
  winner: StoredContact,
  losers: StoredContact[],
  fields: Record<string, number>,
) {
  return merged(winner, losers, contactMergeRules, fields);
}

function contact(id: number, values: Partial<StoredContact> = {}): StoredContact {
  return {
    id,
    sales_id: null,
    first_seen: null,
    last_seen: null,
    tags: null,
    email_jsonb: null,
    phone_jsonb: null,
    ...values,
  };
}

Deno.test("mergedValues keeps the winner's values and fills blanks from the first loser that has one", () => {
  const { first_name, title, gender, has_newsletter } = mergedValues(
    contact(1, { first_name: "Ada", title: "  ", gender: null, has_newsletter: false }),
    [
      contact(2, { first_name: "Adele", title: "", gender: "female", has_newsletter: true }),
      contact(3, { title: "Chief", gender: "male" }),
    ],
    {},
  );
  assertEquals({ first_name, title, gender, has_newsletter }, {
    first_name: "Ada",
    title: "Chief",
    gender: "female",
    has_newsletter: false,
  });
});

Deno.test("mergedValues takes a value from the contact that `fields` names, even a blank one", () => {
  const winner = contact(1, { first_name: "Ada", title: "Analyst", status: "cold" });
  const loser = contact(2, { first_name: "Augusta", title: null, status: "hot" });
  const { first_name, title, status } = mergedValues(winner, [loser], {
    first_name: 2,
    title: 2,
    status: 1,
  });
  assertEquals({ first_name, title, status }, {
    first_name: "Augusta",
    title: null,
    status: "cold",
  });
});

Deno.test("mergedValues combines tags in order, each once", () => {
  const losers = [contact(2, { tags: [3, 1] }), contact(3), contact(4, { tags: [2, 4] })];
  assertEquals(mergedValues(contact(1, { tags: [2, 1] }), losers, {}).tags, [2, 1, 3, 4]);
  assertEquals(mergedValues(contact(1, { tags: [] }), [contact(2)], {}).tags, []);
  assertEquals(mergedValues(contact(1), [contact(2)], {}).tags, null);
});

Deno.test("mergedValues combines e-mails in any case, the winner's form first", () => {
  const winner = contact(1, { email_jsonb: [{ email: "Ada@Work.test" }, { email: " " }] });
  const loser = contact(2, {
    email_jsonb: [{ email: " ADA@work.test" }, { email: "ada@home.test" }],
  });
  assertEquals(mergedValues(winner, [loser], {}).email_jsonb, [
    { email: "Ada@Work.test" },
    { email: "ada@home.test" },
  ]);
});

Deno.test("mergedValues combines phones by their digits, with any punctuation", () => {
  const winner = contact(1, { phone_jsonb: [{ number: "+44 20-1" }, { number: "ask Bob" }] });
  const loser = contact(2, {
    phone_jsonb: [{ number: "(442)01" }, { number: 4420_2 }, { number: "ask Bob" }, { number: "" }],
  });
  assertEquals(mergedValues(winner, [loser], {}).phone_jsonb, [
    { number: "+44 20-1" },
    { number: "ask Bob" },
    { number: 44202 },
  ]);
});

Deno.test("mergedValues keeps addresses in forms of older rows", () => {
  const winner = contact(1, { phone_jsonb: "030 1" });
  const loser = contact(2, { phone_jsonb: { number: "030 2" } });
  assertEquals(mergedValues(winner, [loser], {}).phone_jsonb, ["030 1", { number: "030 2" }]);
  const odd = contact(3, { phone_jsonb: [{ number: { nested: 1 } }, { number: null }] });
  assertEquals(mergedValues(odd, [], {}).phone_jsonb, [{ number: { nested: 1 } }]);
});

Deno.test("mergedValues compares times as instants, to the microsecond", () => {
  const { first_seen, last_seen } = mergedValues(
    contact(1, {
      first_seen: "2024-01-01T00:00:00.000002+00:00",
      last_seen: "2024-06-01T00:00:00.123456+00:00",
    }),
    [
      contact(2, { first_seen: "2024-01-01T02:00:00+02:30" }),
      contact(3, { last_seen: "2024-06-01T00:00:00.123457+00:00" }),
    ],
    {},
  );
  assertEquals({ first_seen, last_seen }, {
    first_seen: "2024-01-01T02:00:00+02:30",
    last_seen: "2024-06-01T00:00:00.123457+00:00",
  });
});
