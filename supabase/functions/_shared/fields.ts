/** Schemas of fields that several resources share. */
import * as z from "zod";

/** A record's id: a whole number from 1. In a path it is text, and only plain digits are accepted. */
export const recordId = z.int().min(1, "Use a record's id.");

const idText = z.preprocess(
  (value) => typeof value === "string" && /^[1-9]\d{0,15}$/.test(value) ? Number(value) : value,
  recordId,
);

/** Path parameters of one record. */
export const idParams = z.object({ id: idText });

/** `?include=company,owner` for one record. */
export function includeQuery<Name extends string>(names: readonly [Name, ...Name[]]) {
  const list = z.preprocess(
    (value) => typeof value === "string" ? value.split(",").map((name) => name.trim()) : value,
    z.array(z.enum(names)),
  );
  return z.object({ include: list.optional() });
}

const noTime = { error: "Use a time as in RFC 3339." };

/** A time as RFC 3339 has it, from year 1 on and with an offset below 16 hours, as Postgres takes it. */
export const timestamp = z.iso.datetime({ offset: true, ...noTime })
  .refine((text) => !/^0000|[+-](1[6-9]|2\d):\d\d$/.test(text), noTime);

/** A day. */
export const date = z.iso.date("Use a date such as 2026-12-31.");

/** `?dry_run=true` */
export const booleanText = z.preprocess(
  (value) => value === "true" ? true : value === "false" ? false : value,
  z.boolean("Use true or false."),
);

/** An empty answer. */
export const nothing = z.void();

/** `dry_run` of a body: the result is shown, and nothing changes. */
export const dryRun = z.boolean().optional();
