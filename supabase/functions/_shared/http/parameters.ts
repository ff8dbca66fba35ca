/**
 * Query parameters that an operation does not know are refused, naming those it does; under
 * `Prefer: handling=lenient` (RFC 7240) they are dropped with a warning.
 */
import type { MiddlewareHandler } from "hono";
import * as z from "zod";
import type { Operation } from "../operation.ts";
import { Problem } from "../problem.ts";

/** Sent by clients and platform, about the request and not about the resource. */
const IGNORED = ["forceFunctionRegion", "apikey"];
const MAXIMUM_PARAMETERS = 100;

/** The step that checks the names; the values are validated after it. */
export function knownParameters(operation: Operation): MiddlewareHandler {
  const knows = knower(operation);
  return async (context, next) => {
    const names = Object.keys(context.req.queries());
    const unknown = names.filter((name) => !IGNORED.includes(name) && !knows(name));
    if (names.length > MAXIMUM_PARAMETERS) throw unknownParameters(operation, unknown);
    if (unknown.length > 0) {
      if (!isLenient(context.req.header("Prefer"))) throw unknownParameters(operation, unknown);
      context.header("Preference-Applied", "handling=lenient");
      const dropped = unknown.map((name) => encodeURIComponent(name)).join(", ");
      context.header("Warning", `299 - "Ignored parameters: ${dropped}"`);
    }
    await next();
  };
}

/** The names of an operation's parameters, for messages and documents. */
export function parameterNames(operation: Operation): string[] {
  const offer = listingOf(operation)?.offer;
  if (!offer) {
    return operation.query instanceof z.ZodObject ? Object.keys(operation.query.shape) : [];
  }
  const paging = ["sort", "limit", "cursor", "count", "select"];
  return [
    ...paging,
    ...(offer.includes.length > 0 ? ["include"] : []),
    ...(offer.searchable ? ["q"] : []),
    ...(offer.csv ? ["format"] : []),
    ...Object.keys(offer.filters),
    ...Object.keys(offer.columns),
  ];
}

function knower(operation: Operation): (name: string) => boolean {
  const listing = listingOf(operation);
  if (listing) return listing.knows;
  const names = parameterNames(operation);
  return (name) => names.includes(name);
}

function listingOf(operation: Operation) {
  return operation.kind === "read" ? operation.listing : undefined;
}

function isLenient(prefer: string | undefined): boolean {
  return /(^|[,;])\s*handling\s*=\s*"?lenient"?\s*($|[,;])/i.test(prefer ?? "");
}

function unknownParameters(operation: Operation, unknown: string[]): Problem {
  const allowed = parameterNames(operation);
  const detail = allowed.length === 0
    ? "This operation has no parameters. Send none."
    : `Use only: ${allowed.join(", ")}${
      listingOf(operation) ? ", each field also as field@op" : ""
    }.`;
  return new Problem("unknown_parameter", detail, {
    errors: Object.fromEntries(
      unknown.slice(0, 20).map((name) => [name, "This parameter is not known."]),
    ),
    members: { allowed },
  });
}
