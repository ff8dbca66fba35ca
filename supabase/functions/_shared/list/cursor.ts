/**
 * Cursors: opaque, versioned, bound to the sort and the filters that they were made for, so that a
 * cursor of another list is refused instead of silently skipping records.
 */
import { base64url } from "jose";
import { Problem } from "../problem.ts";

const VERSION = 1;

export interface Position {
  /** The last record's values of the sort columns, as Postgres prints them. */
  key: (string | null)[];
  /** How many records come before the next page. */
  offset: number;
}

/** The cursor for the page after `position`. `binding` is the list's sort and filters, as text. */
export function encodeCursor(position: Position, binding: string): string {
  const { key, offset } = position;
  return base64url.encode(JSON.stringify([VERSION, fingerprint(binding), offset, ...key]));
}

/**
 * The position in a cursor.
 * @throws Problem `invalid_cursor` when it is broken, or was made for another sort or filter.
 */
export function decodeCursor(cursor: string, binding: string, keyLength: number): Position {
  const [version, bound, offset, ...key] = parse(cursor);
  const wellFormed = version === VERSION && isCount(offset) &&
    key.length === keyLength && key.every(isKeyValue);
  if (!wellFormed) throw invalidCursor();
  if (bound !== fingerprint(binding)) {
    throw invalid("It was made for another sort or filter. Start again without a cursor.");
  }
  return { key: key.filter(isKeyValue), offset };
}

/** Whether a cursor was given out under this binding. */
export function isMadeFor(cursor: string, binding: string): boolean {
  return parse(cursor)[1] === fingerprint(binding);
}

function parse(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(base64url.decode(cursor)),
    );
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isKeyValue(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

/** 400 for a cursor that no list has given out. */
export function invalidCursor(cause?: unknown): Problem {
  return invalid("Use `next_cursor` of the page before, unchanged.", cause);
}

function invalid(detail: string, cause?: unknown): Problem {
  return new Problem("invalid_cursor", detail, { errors: { cursor: detail }, cause });
}

/** FNV-1a, 32 bits: it guards against mistakes, not against forgery, which gains nothing here. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
