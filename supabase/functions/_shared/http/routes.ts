/** Which methods a path offers, for 405 with `Allow` (RFC 9110, section 15.5.6). */
import type { Operation } from "../operation.ts";

/** The methods of the operations whose route matches the path; none = the route does not exist. */
export function allowedMethods(operations: readonly Operation[], path: string): string[] {
  const methods = operations.filter((operation) => matches(operation, path))
    .map((operation) => operation.method);
  const offered: string[] = methods.length > 0 ? [...methods, "OPTIONS"] : [];
  if (methods.includes("GET")) offered.push("HEAD");
  return [...new Set(offered)].sort();
}

/** Where an operation's route lies below the function's own address. */
export function routeOf(operation: Operation): string {
  return operation.surface === "atomic" ? operation.path : `/api${operation.path}`;
}

function matches(operation: Operation, path: string): boolean {
  const pattern = routeOf(operation).replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+");
  return new RegExp(`^${pattern}$`).test(path);
}
