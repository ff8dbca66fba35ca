/** Answers of failed requests: thrown problems, and routes that do not exist. */
import type { Context } from "hono";
import { problemsOf, routeOf } from "../facts.ts";
import type { Operation } from "../operation.ts";
import {
  Problem,
  problemMembers,
  problemResponse,
  requiredMembers,
  toProblem,
} from "../problem.ts";
import type { AppEnvironment } from "./platform.ts";

/**
 * Returns the answer for a thrown value, and logs its code. Any value but a `Problem` becomes 500
 * `internal`. With `isChecked`, so does a problem that the operation does not declare, and one whose
 * members are not the declared ones.
 */
export function refuse(
  thrown: unknown,
  context: Context<AppEnvironment>,
  isChecked: boolean,
): Response {
  const { log, requestId, operation } = context.get("state");
  const problem = isChecked ? requireDeclared(toProblem(thrown), operation) : toProblem(thrown);
  log.code = problem.code;
  if (problem.status >= 500) log.error = describeCause(problem);
  return problemResponse(problem, requestId);
}

function requireDeclared(problem: Problem, operation: Operation | undefined): Problem {
  const undeclared = Object.keys(problem.members)
    .filter((name) => !(name in problemMembers(problem.code)));
  if (undeclared.length > 0) {
    return toProblem(new Error(`${problem.code} has undeclared members: ${undeclared.join(", ")}`));
  }
  const missing = requiredMembers(problem.code).filter((name) => !(name in problem.members));
  if (missing.length > 0) {
    return toProblem(new Error(`${problem.code} lacks the members: ${missing.join(", ")}`));
  }
  if (!operation || problemsOf(operation).has(problem.code)) return problem;
  return toProblem(new Error(`${operation.id} answers ${problem.code} without declaring it`));
}

/**
 * Returns the problem for a request without a route: 404 `route_not_found` for an unknown path, 405
 * `method_not_allowed` with `Allow` for an unknown method (RFC 9110, section 15.5.6).
 */
export function refuseRoute(
  operations: readonly Operation[],
  method: string,
  path: string,
): Problem {
  const allowed = allowedMethods(operations, path);
  if (allowed.length === 0) {
    return new Problem("route_not_found", "See GET /openapi.json for the routes that exist.");
  }
  const names = allowed.join(", ");
  return new Problem("method_not_allowed", `This path does not support ${method}. Use ${names}.`, {
    headers: { Allow: names },
    members: { allowed },
  });
}

/** Returns the operation of a request that was refused before its route was looked for. */
export function operationAt(
  operations: readonly Operation[],
  method: string,
  path: string,
): Operation | undefined {
  return operations.find((operation) => operation.method === method && matches(operation, path));
}

function allowedMethods(operations: readonly Operation[], path: string): string[] {
  const methods: string[] = operations.filter((operation) => matches(operation, path))
    .map((operation) => operation.method);
  if (methods.length > 0) methods.push("OPTIONS");
  if (methods.includes("GET")) methods.push("HEAD");
  return [...new Set(methods)].sort();
}

function matches(operation: Operation, path: string): boolean {
  const pattern = routeOf(operation).replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+");
  return new RegExp(`^${pattern}$`).test(path);
}

/** Omits the message of Postgres, which may contain values of records. */
function describeCause(problem: Problem): string {
  const { cause } = problem;
  if (!(cause instanceof Error)) return problem.code;
  const sqlstate = "code" in cause ? ` ${cause.code}` : "";
  const where = cause.stack?.split("\n").slice(1, 4).map((line) => line.trim()).join(" ") ?? "";
  return `${cause.name}${sqlstate}: ${sqlstate ? "" : cause.message} ${where}`;
}
