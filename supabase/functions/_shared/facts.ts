/**
 * Facts that are derived from an operation's declaration: its route, its parameters, the members
 * who may call it, and its problems. The pipeline enforces them, the documents show them, and the
 * generated tests check them.
 */
import * as z from "zod";
import { isListParameter, parameterNames as listParameterNames } from "./list/list.ts";
import type { Allowed, Operation } from "./operation.ts";
import type { ProblemCode } from "./problem.ts";

/** Returns an operation's route, below the address of the functions. */
export function routeOf(operation: Operation): string {
  if (operation.surface === "atomic") return operation.path;
  return operation.path === "/" ? "/api" : `/api${operation.path}`;
}

/** Returns the members who may call an operation, or undefined when it is not for members. */
export function allowedOf({ access, allowed = "member" }: Operation): Allowed | undefined {
  return access === "member" ? allowed : undefined;
}

/**
 * Returns the scope that an API key needs to call an operation: `contacts:read` for a GET of the group
 * `contacts`, `contacts:write` for any other method. Undefined when keys may not call it.
 */
export function scopeOf({ id, access, method, surface, keys }: Operation): string | undefined {
  if (access !== "member" || surface === "atomic" || keys === false) return undefined;
  return `${id.split(".")[0]}:${method === "GET" ? "read" : "write"}`;
}

/** Returns the scopes of operations, each once. */
export function scopesOf(operations: readonly Operation[]): string[] {
  const scopes = operations.flatMap((operation) => scopeOf(operation) ?? []);
  return [...new Set(scopes)].sort();
}

const ALLOWED: Record<Allowed, string> = {
  member: "every member",
  owner: "the owner of each changed record, managers and admins",
  self: "the user with this id, and admins",
  manager: "managers and admins",
  admin: "admins",
};

/** Returns the callers of an operation as text: `every member; sales_id: admins`. */
export function allowedPhrase(operation: Operation): string {
  const { access, restricted = {} } = operation;
  if (access === "anyone") return "everyone";
  if (access === "service") return "holders of the secret key";
  const fields = Object.entries(restricted).map(([field, who]) => `\`${field}\`: ${ALLOWED[who]}`);
  return [ALLOWED[operation.allowed ?? "member"], ...fields].join("; ");
}

/** Returns the names of an operation's query parameters, without the forms `field@op` of a list. */
export function parameterNames(operation: Operation): string[] {
  if (operation.kind === "list") return listParameterNames(operation.of.parameters);
  return operation.query instanceof z.ZodObject ? Object.keys(operation.query.shape) : [];
}

/** Whether an operation has a query parameter of this name, `field@op` included. */
export function knowsParameter(operation: Operation, name: string): boolean {
  return operation.kind === "list"
    ? isListParameter(name, operation.of.parameters)
    : parameterNames(operation).includes(name);
}

/** Whether a request asks for a dry run. */
export function isDryRun(
  { dryRun }: Operation,
  input: Partial<Record<"body" | "query", unknown>>,
): boolean {
  const part = dryRun && input[dryRun];
  return typeof part === "object" && part !== null && "dry_run" in part && part.dry_run === true;
}

/**
 * Records that count as one request for the rate limit. A record of a bulk takes less than a twentieth
 * of the time of a request of its own.
 */
export const RECORDS_PER_REQUEST = 20;

/** Returns as how many requests the writing of records counts. */
export function requestsOf(records: number): number {
  return Math.ceil(records / RECORDS_PER_REQUEST);
}

const OF_EVERY_OPERATION: ProblemCode[] = [
  "unknown_parameter",
  // For If-Match: malformed, or sent to an operation that does not support it.
  "invalid_header",
];
const OF_A_TOKEN: ProblemCode[] = [
  "token_missing",
  "token_malformed",
  "token_algorithm_not_allowed",
  "token_signature_invalid",
  "token_key_unknown",
  "token_expired",
  "token_not_yet_valid",
  "token_issuer_invalid",
  "token_audience_invalid",
  "token_subject_missing",
  "token_role_not_allowed",
  "api_key_not_allowed",
  "api_key_malformed",
  "api_key_unknown",
  "api_key_expired",
  "api_key_revoked",
  "not_a_member",
  "member_disabled",
  "rate_limited",
  "auth_unavailable",
];
const OF_THE_SECRET_KEY: ProblemCode[] = ["secret_key_missing", "secret_key_invalid"];
const OF_THE_DATABASE: ProblemCode[] = ["database_unavailable", "database_timeout", "overloaded"];
const OF_A_BODY: ProblemCode[] = ["invalid_json", "unsupported_media_type", "validation_failed"];
const OF_AN_IDEMPOTENCY_KEY: ProblemCode[] = [
  "invalid_idempotency_key",
  "idempotency_key_reused",
  "request_in_flight",
];
const OF_A_CHANGE: ProblemCode[] = ["conflict", "concurrent_change", "invalid_value"];
const OF_A_REFUSAL: Record<Allowed, ProblemCode[]> = {
  member: [],
  owner: ["forbidden"],
  self: ["admin_required"],
  manager: ["forbidden"],
  admin: ["admin_required"],
};

/** Returns all problems that an operation can answer: the declared and the derived ones. */
export function problemsOf(operation: Operation): Set<ProblemCode> {
  const { kind, access, method, restricted = {}, problems = [] } = operation;
  const changes = kind === "write" || kind === "saga";
  return new Set<ProblemCode>([
    ...OF_EVERY_OPERATION,
    ...(operation.anyOrigin ? [] : ["origin_not_allowed" as const]),
    // What needs no database has nothing that fails.
    ...(kind === "plain" ? [] : ["internal" as const]),
    ...(method === "GET" ? [] : ["body_too_large" as const, "body_timeout" as const]),
    ...(access === "member" ? OF_A_TOKEN : []),
    ...(access === "member"
      ? [scopeOf(operation) ? "scope_missing" : "user_required"] as const
      : []),
    ...(access === "service" ? OF_THE_SECRET_KEY : []),
    ...(kind === "plain" ? [] : OF_THE_DATABASE),
    ...(operation.params || operation.query ? ["invalid_parameter" as const] : []),
    ...(kind === "list" ? ["invalid_cursor" as const] : []),
    ...(operation.kind === "list" && operation.of.parameters.searchable
      ? ["search_too_slow" as const]
      : []),
    ...(operation.params ? ["not_found" as const] : []),
    ...(operation.body ? OF_A_BODY : []),
    ...(operation.ifMatch ? ["precondition_failed" as const] : []),
    ...(method === "POST" && access === "member" ? OF_AN_IDEMPOTENCY_KEY : []),
    ...(changes ? OF_A_CHANGE : []),
    ...[allowedOf(operation) ?? "member", ...Object.values(restricted)].flatMap((who) =>
      OF_A_REFUSAL[who]
    ),
    ...problems,
  ]);
}
