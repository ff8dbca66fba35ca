/** What has changed in a record since it was read. */
import { PorticoError } from "./errors.ts";

/** Returns the fields whose values differ from those of the record that was read. */
export function changedFields(data: object, read: object | undefined): object {
  if (!read) return data;
  return Object.fromEntries(
    Object.entries(data).filter(([field, value]) => !isSame(value, memberOf(read, field))),
  );
}

/**
 * Returns the version of the current record, when an error says that it is not the one that was read,
 * and none of these fields differs. Returns undefined for every other error.
 */
export function currentWhenFree(
  error: unknown,
  read: object,
  fields: string[],
): string | undefined {
  if (!(error instanceof PorticoError) || error.code !== "precondition_failed") return undefined;
  const { current } = error.body;
  const isFree = fields.filter((field) => field !== "updated_at" && field in current)
    .every((field) => isSame(memberOf(current, field), memberOf(read, field)));
  return isFree ? current.updated_at : undefined;
}

function memberOf(value: object, name: string): unknown {
  return Reflect.get(value, name);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
