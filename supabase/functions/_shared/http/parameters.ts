/**
 * Refuses query parameters that an operation does not have. With `Prefer: handling=lenient` (RFC
 * 7240) they are ignored, with a warning.
 */
import type { MiddlewareHandler } from "hono";
import { knowsParameter, parameterNames } from "../facts.ts";
import type { Operation } from "../operation.ts";
import { Problem } from "../problem.ts";

/** Parameters of Supabase's clients and of the platform. */
const IGNORED = ["forceFunctionRegion", "apikey"];
const MAXIMUM_PARAMETERS = 100;

/**
 * Returns the middleware that checks the names of an operation's query parameters.
 * It throws 400 `unknown_parameter`, which names the allowed parameters.
 */
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
    ? "This operation has no query parameters. Remove them."
    : `Use only: ${allowed.join(", ")}${
      operation.kind === "list" ? ", each field also as field@op" : ""
    }.`;
  return new Problem("unknown_parameter", detail, {
    errors: Object.fromEntries(
      unknown.slice(0, 20).map((name) => [name, messageOf(operation, name)]),
    ),
    members: { allowed },
  });
}

/** Names the operators of a field that lacks the given one. */
function messageOf(operation: Operation, name: string): string {
  const [field = "", operator] = name.split("@");
  const columns = operation.kind === "list" ? operation.of.parameters.columns : {};
  const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
  return column && operator !== undefined
    ? `Use ${field} with one of: ${column.operators.join(", ")}.`
    : "This parameter is not known.";
}
