/**
 * Query parameters that an operation does not know are refused, naming those it does; under
 * `Prefer: handling=lenient` (RFC 7240) they are dropped with a warning.
 */
import type { MiddlewareHandler } from "hono";
import { knowsParameter, parameterNames } from "../facts.ts";
import type { Operation } from "../operation.ts";
import { Problem } from "../problem.ts";

/** Sent by clients and platform, about the request and not about the resource. */
const IGNORED = ["forceFunctionRegion", "apikey"];
const MAXIMUM_PARAMETERS = 100;

/** The step that checks the names; the values are validated after it. */
export function knownParameters(operation: Operation): MiddlewareHandler {
  return async (context, next) => {
    const names = Object.keys(context.req.queries());
    const unknown = names.filter((name) =>
      !IGNORED.includes(name) && !knowsParameter(operation, name)
    );
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

function isLenient(prefer: string | undefined): boolean {
  return /(^|[,;])\s*handling\s*=\s*"?lenient"?\s*($|[,;])/i.test(prefer ?? "");
}

function unknownParameters(operation: Operation, unknown: string[]): Problem {
  const allowed = parameterNames(operation);
  const detail = allowed.length === 0
    ? "This operation has no parameters. Send none."
    : `Use only: ${allowed.join(", ")}${
      operation.kind === "list" ? ", each field also as field@op" : ""
    }.`;
  return new Problem("unknown_parameter", detail, {
    errors: Object.fromEntries(
      unknown.slice(0, 20).map((name) => [name, "This parameter is not known."]),
    ),
    members: { allowed },
  });
}
