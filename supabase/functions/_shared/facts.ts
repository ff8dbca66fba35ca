/**
 * What follows from an operation's declaration: its route, its parameters, who may call it, and every
 * problem that it can answer. The pipeline enforces these facts, the documents show them, the generated
 * tests execute them.
 */
import * as z from "zod";
import { isListParameter, parameterNames as listParameterNames } from "./list/list.ts";
import type { Allowed, Operation } from "./operation.ts";
import type { ProblemCode } from "./problem.ts";

/** Where an operation's route lies below the function's own address. */
export function routeOf(operation: Operation): string {
  return operation.surface === "atomic" ? operation.path : `/api${operation.path}`;
}

/** Who may call it, unless a declaration says otherwise. */
export function allowedOf({ access, allowed = "member" }: Operation): Allowed | undefined {
  return access === "member" ? allowed : undefined;
}

const ALLOWED: Record<Allowed, string> = {
  member: "every member",
  owner: "the owner of each record that changes, managers and admins",
  self: "the user themself and admins",
  manager: "managers and admins",
  admin: "admins",
};

/** Who may call it, as a phrase: `every member; sales_id: admins`. */
export function allowedPhrase(operation: Operation): string {
  const { access, restricted = {} } = operation;
  if (access === "anyone") return "everyone";
  if (access === "service") return "holders of the secret key";
  const fields = Object.entries(restricted).map(([field, who]) => `\`${field}\`: ${ALLOWED[who]}`);
  return [ALLOWED[operation.allowed ?? "member"], ...fields].join("; ");
}

/** The names of an operation's query parameters; a list also takes `field@op` for its columns. */
export function parameterNames(operation: Operation): string[] {
  if (operation.kind === "list") return listParameterNames(operation.of.parameters);
  return operation.query instanceof z.ZodObject ? Object.keys(operation.query.shape) : [];
}

/** Whether a query parameter is one that the operation knows. */
export function knowsParameter(operation: Operation, name: string): boolean {
  return operation.kind === "list"
    ? isListParameter(name, operation.of.parameters)
    : parameterNames(operation).includes(name);
}

/** Whether a request asks for the result without the change. */
export function isDryRun(
  { dryRun }: Operation,
  input: Partial<Record<"body" | "query", unknown>>,
): boolean {
  const part = dryRun && input[dryRun];
  return typeof part === "object" && part !== null && "dry_run" in part && part.dry_run === true;
}

const OF_EVERY_OPERATION: ProblemCode[] = [
  "internal",
  "origin_not_allowed",
  "unknown_parameter",
  // If-Match is refused where it is not honoured, and where it is no entity tag.
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
  "not_a_member",
  "member_disabled",
  "rate_limited",
  "auth_unavailable",
];
const OF_THE_SECRET_KEY: ProblemCode[] = ["secret_key_missing", "secret_key_invalid"];
const OF_THE_DATABASE: ProblemCode[] = ["database_unavailable", "database_timeout"];
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

/** Every problem that an operation can answer: those that it declares, and those that follow. */
export function problemsOf(operation: Operation): Set<ProblemCode> {
  const { kind, access, method, restricted = {}, problems = [] } = operation;
  const changes = kind === "write" || kind === "saga";
  return new Set<ProblemCode>([
    ...OF_EVERY_OPERATION,
    ...(method === "GET" ? [] : ["body_too_large" as const]),
    ...(access === "member" ? OF_A_TOKEN : []),
    ...(access === "service" ? OF_THE_SECRET_KEY : []),
    ...(kind === "plain" ? [] : OF_THE_DATABASE),
    ...(operation.params || operation.query ? ["invalid_parameter" as const] : []),
    ...(kind === "list" ? ["invalid_cursor" as const] : []),
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
