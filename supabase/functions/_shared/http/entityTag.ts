/**
 * Entity tags: a record's version is its `updated_at`, which the database moves strictly forward with
 * every change. Sources: RFC 9110, sections 8.8.3 and 13.1.1.
 */
import { Problem } from "../problem.ts";

interface Versioned {
  updated_at: string;
}

/** The value of `ETag` for an answer, when it is one record. */
export function entityTagOf(body: unknown): string | undefined {
  return isVersioned(body) ? `"${body.updated_at}"` : undefined;
}

/**
 * The tags of an `If-Match` header; undefined when it is absent or `*`. Weak ones count: proxies that
 * compress answers make ours weak, and the version is in them all the same.
 * @throws Problem `invalid_header`
 */
export function parseIfMatch(header: string | undefined): string[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const tags = header.split(",").map((tag) => /^\s*(?:W\/)?"([^"]*)"\s*$/.exec(tag)?.[1]);
  if (tags.every((tag) => tag !== undefined)) return tags;
  const detail = "Send If-Match as the ETag that the record came with, in its quotes.";
  throw new Problem("invalid_header", detail, { errors: { "if-match": detail } });
}

/**
 * Refuses a change to a record that has moved on since the caller read it.
 * @throws Problem `precondition_failed` with the current record and its tag.
 */
export function requireMatch(current: Versioned, ifMatch: string[] | undefined): void {
  if (ifMatch === undefined || ifMatch.includes(current.updated_at)) return;
  throw new Problem(
    "precondition_failed",
    "The record has changed since you read it. Apply your change to the current one.",
    { members: { current }, headers: { ETag: `"${current.updated_at}"` } },
  );
}

function isVersioned(body: unknown): body is Versioned {
  return typeof body === "object" && body !== null && "updated_at" in body &&
    typeof body.updated_at === "string";
}
