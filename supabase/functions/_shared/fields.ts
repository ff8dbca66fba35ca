/** Schemas of fields that several resources share. */
import * as z from "zod";

/** A record's id in JSON: a whole number from 1. */
export const recordId = z.int().min(1, "Use a record's id.");

/** `schema` for a number that a path or a query gives as text; `pattern` matches such a text. */
export function numberText<Schema extends z.ZodType>(schema: Schema, pattern = /^\d{1,15}$/) {
  return z.preprocess(
    (value) => typeof value === "string" && pattern.test(value) ? Number(value) : value,
    schema,
  );
}

/** `schema` for an array that a query gives as text, with commas between the items. */
export function arrayText<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(
    (value) => typeof value === "string" ? value.split(",").map((item) => item.trim()) : value,
    schema,
  );
}

/** A record's id in a path or a query. */
export const idText = numberText(recordId, /^[1-9]\d{0,15}$/);

/** A name that a record must have. */
export const requiredName = z.string().trim().min(1, "Use a name.").max(500);

/** A text of one line. */
export const shortText = z.string().trim().max(500).nullish();

/** A text of many lines. */
export const longText = z.string().max(10_000).nullish();

/** Path parameters of one record. The id must be plain digits. */
export const idParams = z.object({ id: idText });

/** Returns the query `?include=company,owner` of one record, which takes these names. */
export function includeQuery<Name extends string>(names: readonly [Name, ...Name[]]) {
  return z.object({ include: arrayText(z.array(z.enum(names))).optional() });
}

const noTime = { error: "Use a time as in RFC 3339." };

/** Milliseconds since 1970 of the years 1 to 9999 in UTC. */
const FIRST_TIME = Date.parse("0001-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/** A time in RFC 3339, from year 1 to 9999 in UTC, with an offset below 16 hours, as in Postgres. */
export const timestamp = z.iso.datetime({ offset: true, ...noTime })
  .refine((text) => {
    const time = Date.parse(text);
    return time >= FIRST_TIME && time <= LAST_TIME && !/[+-](1[6-9]|2\d):\d\d$/.test(text);
  }, noTime);

/** A date such as `2026-12-31`. */
const noDate = { error: "Use a date such as 2026-12-31." };
export const date = z.iso.date(noDate).refine((text) => !text.startsWith("0000"), noDate);

/** A boolean query parameter: `true` or `false`. */
export const booleanText = z.preprocess(
  (value) => value === "true" ? true : value === "false" ? false : value,
  z.boolean("Use true or false."),
);

/** The ids of a record in other systems. */
export const externalIds = z.array(z.strictObject({
  source: z.string().trim().min(1, "Use the name of the other system.").max(100)
    .describe("Name of the other system."),
  id: z.string().trim().min(1, "Use an id.").max(255).describe("Id in the other system."),
})).max(50).nullish();

/** The output of an operation that answers 204. */
export const nothing = z.void();

/** The body field `dry_run`: answers the result, and rolls all changes back. */
export const dryRun = z.boolean().optional();

/** Returns the name of a record as the ids of its schemas begin with it: `contact` → `Contact`. */
export function schemaName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
