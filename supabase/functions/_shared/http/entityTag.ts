/**
 * Entity tags: a record's version is its `updated_at`, which the database moves strictly forward with
 * every change. Sources: RFC 9110, sections 8.8.3 and 13.1.1.
 */
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";

/** The value of `ETag` for an answer, when it is one record. */
export function entityTagOf(body: unknown): string | undefined {
  const isVersioned = typeof body === "object" && body !== null && "updated_at" in body &&
    typeof body.updated_at === "string";
  return isVersioned ? `"${body.updated_at}"` : undefined;
}

/**
 * The tags of an `If-Match` header; undefined when it is absent or `*`. Weak tags count: proxies that
 * compress answers make ours weak, and still name the same version.
 * @throws Problem `invalid_header`
 */
export function parseIfMatch(header: string | undefined): string[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const tags = header.split(",").map((tag) => /^\s*(?:W\/)?"([^"]*)"\s*$/.exec(tag)?.[1]);
  if (tags.every((tag) => tag !== undefined)) return tags;
  throw invalidIfMatch("Send If-Match as the ETag that the record came with, in its quotes.");
}

/** Refuses `If-Match` for an operation that would ignore it. */
export const refuseIfMatch: MiddlewareHandler = async (context, next) => {
  if (context.req.header("If-Match") !== undefined) {
    throw invalidIfMatch("This operation does not honour If-Match. Leave the header out.");
  }
  await next();
};

function invalidIfMatch(detail: string): Problem {
  return new Problem("invalid_header", detail, { errors: { "if-match": detail } });
}
