/** Schemas of fields that several resources share. */
import * as z from "zod";

/** A record's id in JSON: a whole number from 1. */
export const recordId = z.int().min(1, "Use a record's id.");

const idText = z.preprocess(
  (value) => typeof value === "string" && /^[1-9]\d{0,15}$/.test(value) ? Number(value) : value,
  recordId,
);

/** Path parameters of one record. The id must be plain digits. */
export const idParams = z.object({ id: idText });

/** Returns the query `?include=company,owner` of one record, which takes these names. */
export function includeQuery<Name extends string>(names: readonly [Name, ...Name[]]) {
  const list = z.preprocess(
    (value) => typeof value === "string" ? value.split(",").map((name) => name.trim()) : value,
    z.array(z.enum(names)),
  );
  return z.object({ include: list.optional() });
}

const noTime = { error: "Use a time as in RFC 3339." };

/** A time in RFC 3339, in the range of Postgres: from year 1, with an offset below 16 hours. */
export const timestamp = z.iso.datetime({ offset: true, ...noTime })
  .refine((text) => !/^0000|[+-](1[6-9]|2\d):\d\d$/.test(text), noTime);

/** A date such as `2026-12-31`. */
export const date = z.iso.date("Use a date such as 2026-12-31.");

/** A boolean query parameter: `true` or `false`. */
export const booleanText = z.preprocess(
  (value) => value === "true" ? true : value === "false" ? false : value,
  z.boolean("Use true or false."),
);

/** The output of an operation that answers 204. */
export const nothing = z.void();

/** The body field `dry_run`: answers the result, and rolls all changes back. */
export const dryRun = z.boolean().optional();
