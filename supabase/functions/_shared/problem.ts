/**
 * Problems: all errors that a caller can receive. This file declares those of the platform. An API
 * on the platform declares its own with `declareProblems`, and extends the interface
 * `ProblemTables`.
 *
 * The body follows RFC 9457 (`application/problem+json`), with four extension members: `code`
 * (stable), `request_id`, `errors` (field → message, for forms), and `message`, which repeats
 * `detail` for clients of Atomic CRM.
 */

/** HTTP status and title of a problem. A released code never changes its meaning. */
type ProblemType = readonly [status: number, title: string];

const PLATFORM_PROBLEMS = {
  // 400: the request cannot be read
  invalid_json: [400, "The body is not valid JSON"],
  invalid_parameter: [400, "A parameter is not valid"],
  unknown_parameter: [400, "A parameter is not known"],
  invalid_cursor: [400, "The cursor is not valid"],
  invalid_idempotency_key: [400, "The Idempotency-Key is not valid"],
  invalid_header: [400, "A header is not valid"],
  // 401: the caller is not authenticated
  token_missing: [401, "An access token is required"],
  token_malformed: [401, "The access token is malformed"],
  token_algorithm_not_allowed: [401, "The access token's algorithm is not allowed"],
  token_signature_invalid: [401, "The access token's signature is not valid"],
  token_key_unknown: [401, "The access token's key is not known"],
  token_expired: [401, "The access token has expired"],
  token_not_yet_valid: [401, "The access token is not valid yet"],
  token_issuer_invalid: [401, "The access token's issuer is not accepted"],
  token_audience_invalid: [401, "The access token's audience is not accepted"],
  token_subject_missing: [401, "The access token names no user"],
  token_role_not_allowed: [401, "The access token's role is not a user's"],
  api_key_not_allowed: [401, "A key of the project is not an access token"],
  api_key_malformed: [401, "The API key is malformed"],
  api_key_unknown: [401, "The API key is not known"],
  api_key_expired: [401, "The API key has expired"],
  api_key_revoked: [401, "The API key was revoked"],
  secret_key_missing: [401, "The secret key is required"],
  secret_key_invalid: [401, "The secret key is not valid"],
  // 403: the caller may not do this
  origin_not_allowed: [403, "The origin is not allowed"],
  not_a_member: [403, "Not a member"],
  member_disabled: [403, "The member is disabled"],
  user_required: [403, "A user is required"],
  scope_missing: [403, "The API key lacks a scope"],
  forbidden: [403, "Not allowed"],
  admin_required: [403, "An administrator is required"],
  identity_fixed: [403, "A record's id and workspace are fixed"],
  owner_change_not_allowed: [403, "The owner cannot be changed"],
  restore_not_allowed: [403, "The record cannot be restored by you"],
  // 404, 405, 410
  not_found: [404, "Not found"],
  route_not_found: [404, "No such route"],
  method_not_allowed: [405, "The method is not allowed"],
  deleted: [410, "The record has been deleted"],
  merged: [410, "The record has been merged"],
  // 408: the request did not arrive in time
  body_timeout: [408, "The body did not arrive in time"],
  // 409: the request conflicts with what is stored
  conflict: [409, "Conflict"],
  concurrent_change: [409, "Changed at the same time"],
  request_in_flight: [409, "The first request is still in flight"],
  still_referenced: [409, "Other records refer to this one"],
  parent_deleted: [409, "The parent record is deleted"],
  parent_purged: [409, "The parent record was permanently deleted"],
  email_taken: [409, "The address is taken"],
  // 412, 413, 415
  precondition_failed: [412, "The record has changed"],
  body_too_large: [413, "The body is too large"],
  unsupported_media_type: [415, "The content type is not supported"],
  // 422: the request can be read, but is not valid
  validation_failed: [422, "The request is not valid"],
  invalid_value: [422, "A value is not valid"],
  unknown_reference: [422, "A referenced record does not exist"],
  workspace_required: [422, "The workspace is not known"],
  search_too_slow: [422, "The search took too long"],
  too_many_records: [422, "Too many records for one request"],
  idempotency_key_reused: [422, "The Idempotency-Key was used for another request"],
  // 429 and 5xx
  rate_limited: [429, "Too many requests"],
  auth_rate_limited: [429, "Too many mails"],
  internal: [500, "Unexpected error"],
  mail_failed: [502, "The mail could not be sent"],
  database_unavailable: [503, "The database cannot be reached"],
  overloaded: [503, "Too many requests at once"],
  database_timeout: [503, "The database took too long"],
  auth_unavailable: [503, "The auth server cannot be reached"],
  storage_unavailable: [503, "The storage cannot be reached"],
  not_ready: [503, "Not ready"],
} as const satisfies Record<string, ProblemType>;

/** Name → table of problems. An API adds its table by declaration merging. */
export interface ProblemTables {
  platform: typeof PLATFORM_PROBLEMS;
}

/** The codes of all tables. */
export type ProblemCode = {
  [Name in keyof ProblemTables]: keyof ProblemTables[Name];
}[keyof ProblemTables];

const types = new Map<string, ProblemType>(Object.entries(PLATFORM_PROBLEMS));

/**
 * Further members of a problem's body: name → JSON Schema. A name ends in `?` when not every problem
 * of the code has the member.
 */
type Members = Record<string, Record<string, unknown>>;

const texts = { type: "array", items: { type: "string" } };
const ids = { type: "array", items: { type: "integer" } };
const allowed = { ...texts, description: "What is allowed instead." };
const deleted_at = { type: "string", format: "date-time", description: "When it was deleted." };
const health = { type: "string", description: "`ok` or the code of a problem." };

const PLATFORM_MEMBERS: Partial<Record<keyof typeof PLATFORM_PROBLEMS, Members>> = {
  invalid_parameter: { "allowed?": allowed },
  unknown_parameter: { allowed },
  method_not_allowed: { allowed },
  not_found: { "missing_ids?": { ...ids, description: "The ids that do not exist." } },
  forbidden: { "forbidden_ids?": { ...ids, description: "The records that you may not change." } },
  scope_missing: { scope: { type: "string", description: "The scope that the key needs." } },
  owner_change_not_allowed: {
    "forbidden_ids?": { ...ids, description: "The records that you may not change." },
  },
  deleted: { deleted_at },
  merged: {
    deleted_at,
    merged_into: { type: "integer", description: "Id of the record to use instead." },
  },
  precondition_failed: {
    current: {
      type: "object",
      description: "The record as it is now.",
      properties: { id: { type: "integer" }, updated_at: { type: "string", format: "date-time" } },
      required: ["id", "updated_at"],
      additionalProperties: true,
    },
  },
  too_many_records: {
    count: { type: "integer", description: "Number of records that match." },
    maximum: { type: "integer", description: "Maximum number of records." },
  },
  not_ready: { database: health, auth: health },
};

const members = new Map<string, Members>(Object.entries(PLATFORM_MEMBERS));

/**
 * Adds the problems of an API to those of the platform, with the further members of their bodies.
 * Returns the given table.
 */
export function declareProblems<Table extends Record<string, ProblemType>>(
  table: Table,
  membersOfCodes: { [Code in keyof Table]?: Members } = {},
): Table {
  for (const [code, type] of Object.entries(table)) types.set(code, type);
  for (const [code, declared] of Object.entries(membersOfCodes)) {
    if (declared) members.set(code, declared);
  }
  return table;
}

/** Returns the further members of a problem's body: name → JSON Schema. */
export function problemMembers(code: ProblemCode): Members {
  return Object.fromEntries(
    Object.entries(members.get(code) ?? {}).map(([name, schema]) => [
      name.replace("?", ""),
      schema,
    ]),
  );
}

/** Returns the names of the further members that every problem of the code has. */
export function requiredMembers(code: ProblemCode): string[] {
  return Object.keys(members.get(code) ?? {}).filter((name) => !name.endsWith("?"));
}

/** Returns all declared problems, sorted by status: code → HTTP status and title. */
export function problemTypes(): Record<string, ProblemType> {
  return Object.fromEntries([...types].sort(([, [left]], [, [right]]) => left - right));
}

/**
 * Returns the HTTP status and title of a code.
 * @throws Error when the code is not declared.
 */
export function problemType(code: ProblemCode): ProblemType {
  const type = types.get(code);
  if (!type) throw new Error(`The problem ${code} is not declared`);
  return type;
}

interface ProblemOptions {
  /** Field → message, with dotted paths for nested fields (`email_jsonb.0.email`). */
  errors?: Record<string, string>;
  /** Further members of the body, e.g. `allowed`, `merged_into`, `current`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** The error behind the problem. Only the log shows it. */
  cause?: unknown;
}

/** An error that is shown to the caller. `detail` is a sentence that says what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly errors?: Record<string, string>;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(readonly code: ProblemCode, readonly detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    [this.status, this.title] = problemType(code);
    this.errors = options.errors;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

/** Whether the text is a declared problem code. */
export function isProblemCode(code: string): code is ProblemCode {
  return types.has(code);
}

/** Returns a thrown value as a problem. Any value but a `Problem` becomes `internal`. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(
    "internal",
    "An unexpected error occurred. Try again. If it persists, report the request id.",
    { cause: thrown },
  );
}

/** Returns the HTTP answer of a problem. The middleware `cors` adds the CORS headers. */
export function problemResponse(problem: Problem, requestId: string): Response {
  const body = {
    type: `urn:portico:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    message: problem.detail,
    request_id: requestId,
    ...(problem.errors && { errors: problem.errors }),
    ...problem.members,
  };
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: { "Content-Type": "application/problem+json", ...problem.headers },
  });
}

/**
 * Returns the row that a caller asked for. `name` is used in the message, e.g. `contact`.
 * @throws Problem `not_found` when there is no row, or the caller may not see it.
 */
export function found<Row>(row: Row | undefined | null, name: string): Row {
  if (row === undefined || row === null) {
    throw new Problem("not_found", `There is no such ${name}, or you may not see it.`);
  }
  return row;
}

/**
 * Returns a value that is present for every possible request.
 * @throws Error with `message` when it is absent. The caller gets 500, the log gets the message.
 */
export function invariant<Value>(value: Value | undefined | null, message: string): Value {
  if (value === undefined || value === null) throw new Error(message);
  return value;
}
