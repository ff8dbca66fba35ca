/** NDJSON: one JSON object per line. Its columns are the names of the members. */
import type { Rows } from "./csv.ts";

/** A line that is no JSON object. It becomes a rejected row. */
export class BrokenLine {
  constructor(readonly text: string) {}
}

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
    else rows.push(line.trim() === "" ? [] : [new BrokenLine(line.slice(0, 1_000))]);
  }
  return { rows, length };
}

function objectOf(line: string): Map<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
