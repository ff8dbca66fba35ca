/** NDJSON: one JSON object per line. Its columns are the names of the members. */
import { BrokenLine } from "./brokenLine.ts";
import type { Rows } from "./csv.ts";

/** `JSON.stringify` and Postgres need stack for each level. Cells of records have three. */
const MAXIMUM_DEPTH = 20;

/** Returns the names of the members of the first objects, in their order. */
export function columnsOfNdjson(text: string): string[] {
  const names = new Set<string>();
  for (const line of text.split("\n").slice(0, 200)) {
    const record = objectOf(line);
    if (record) { for (const name of record.keys()) names.add(name); }
  }
  return [...names];
}

/** Reads at most `limit` lines. Each row has the values of these columns. */
export function readNdjson(
  text: string,
  columns: string[],
  limit: number,
  isLast: boolean,
): Rows {
  const rows: unknown[][] = [];
  let length = 0;
  while (length < text.length && rows.length < limit) {
    const end = text.indexOf("\n", length);
    if (end === -1 && !isLast) break;
    const line = text.slice(length, end === -1 ? text.length : end);
    length = end === -1 ? text.length : end + 1;
    const record = objectOf(line);
    if (record) rows.push(columns.map((name) => record.get(name) ?? ""));
    else rows.push(line.trim() === "" ? [] : [new BrokenLine(line, NO_OBJECT)]);
  }
  return { rows, length };
}

const NO_OBJECT = "The line is not a JSON object, or has too many levels.";

/** Whether a line is a JSON object. */
export function isJsonObject(line: string): boolean {
  return objectOf(line) !== undefined;
}

function objectOf(line: string): Map<string, unknown> | undefined {
  const value = parseJson(line);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? new Map(Object.entries(value)) : undefined;
}

/** Returns undefined for a text that is not JSON, and for one with too many levels. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value, MAXIMUM_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}
