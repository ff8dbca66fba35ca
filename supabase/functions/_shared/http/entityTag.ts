/**
 * Entity tags: a record's version is its `updated_at`, which the database increases with every
 * change. Sources: RFC 9110, sections 8.8.3 and 13.1.1.
 */
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";

/** Returns the `ETag` of a body that is one record, or undefined for any other body. */
export function entityTagOf(body: unknown): string | undefined {
  const isVersioned = typeof body === "object" && body !== null && "updated_at" in body &&
    typeof body.updated_at === "string";
  return isVersioned ? `"${body.updated_at}"` : undefined;
}

/**
 * Returns the entity tags of an `If-Match` header, without quotes, or undefined when the header is
 * absent or `*`. Weak tags are accepted, since proxies that compress answers make tags weak.
 * @throws Problem `invalid_header` when the header is malformed.
 */
export function parseIfMatch(header: string | undefined): string[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const tags = header.split(",").map((tag) => /^\s*(?:W\/)?"([^"]*)"\s*$/.exec(tag)?.[1]);
  if (tags.every((tag) => tag !== undefined)) return tags;
  throw invalidIfMatch("Send the record's ETag in If-Match, with its quotes.");
}

/**
 * Throws 400 `invalid_header` for a request with `If-Match`, for operations that do not honour it.
 */
export const refuseIfMatch: MiddlewareHandler = async (context, next) => {
  if (context.req.header("If-Match") !== undefined) {
    throw invalidIfMatch("This operation does not support If-Match. Remove the header.");
  }
  await next();
};

function invalidIfMatch(detail: string): Problem {
  return new Problem("invalid_header", detail, { errors: { "if-match": detail } });
}
