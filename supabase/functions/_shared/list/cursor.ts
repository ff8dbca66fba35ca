/**
 * Cursors: opaque, versioned texts that hold the position of a page. A cursor is bound to the list,
 * sort and filters that it was made for. With any other it is refused, since it would skip records.
 */
import { base64url } from "jose";
import { Problem } from "../problem.ts";

const VERSION = 1;

/** The end of a page. */
interface Position {
  /** The last record's values of the sort columns, as Postgres prints them. */
  key: (string | null)[];
  /** Number of records before the next page. */
  offset: number;
}

/**
 * Returns the cursor of the page after `position`. `binding` is the list's name, sort and filters
 * as text.
 */
export function encodeCursor(position: Position, binding: string): string {
  const { key, offset } = position;
  return base64url.encode(JSON.stringify([VERSION, fingerprint(binding), offset, ...key]));
}

/** How a request begins without a cursor, by the parameter that has the cursor. */
const BEGINNINGS = { cursor: "without a cursor", after: "with `start` or `now`" } as const;
type CursorParameter = keyof typeof BEGINNINGS;

/**
 * Returns the position in the cursor of a parameter.
 * @throws Problem `invalid_cursor` when it is malformed, or was made for another sort or filter.
 */
export function decodeCursor(
  cursor: string,
  binding: string,
  keyLength: number,
  parameter: CursorParameter = "cursor",
): Position {
  const [version, bound, offset, ...key] = parse(cursor);
  const wellFormed = version === VERSION && isCount(offset) &&
    key.length === keyLength && key.every(isKeyValue);
  if (!wellFormed) throw invalidCursor(parameter);
  if (bound !== fingerprint(binding)) {
    const detail = `It belongs to another sort or filter. Start again ${BEGINNINGS[parameter]}.`;
    throw invalid(parameter, detail);
  }
  return { key: key.filter(isKeyValue), offset };
}

/** Whether a cursor was made with this binding. */
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

/** Returns the problem for a malformed cursor. */
export function invalidCursor(parameter: CursorParameter, cause?: unknown): Problem {
  const detail = "Use `next_cursor` of the previous page, unchanged, or start " +
    `${BEGINNINGS[parameter]}.`;
  return invalid(parameter, detail, cause);
}

function invalid(parameter: CursorParameter, detail: string, cause?: unknown): Problem {
  return new Problem("invalid_cursor", detail, { errors: { [parameter]: detail }, cause });
}

/** FNV-1a, 32 bits. It detects mistakes. A forged cursor gives access to nothing new. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
