/**
 * How contacts are merged: e-mail addresses, phone numbers and tags are united, the winner's first.
 * `first_seen` becomes the earliest, `last_seen` the latest. `has_newsletter` of a winner is kept
 * when it is false.
 */
import { contacts } from "../../_shared/schema.ts";
import { externalIdKey, fallbackKey, mergeRules, plainKey } from "../merges/mergedValues.ts";

export const contactMergeRules = mergeRules(contacts.input, {
  united: {
    tags: plainKey,
    email_jsonb: emailKey,
    phone_jsonb: phoneKey,
    external_ids: externalIdKey,
  },
  earliest: ["first_seen"],
  latest: ["last_seen"],
});

function emailKey(address: unknown): string {
  const email = memberOf(address, "email");
  return typeof email === "string" ? email.trim().toLowerCase() : fallbackKey(address, email);
}

/** Numbers with the same digits are the same number. */
function phoneKey(phone: unknown): string {
  const number = memberOf(phone, "number");
  const text = typeof number === "number" ? String(number) : number;
  if (typeof text !== "string") return fallbackKey(phone, number);
  return text.replace(/[^0-9]/g, "") || text.trim();
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : value;
}
