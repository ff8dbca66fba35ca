/** Errors of calls. All problems of the API are one class and differ by `code`. */
import type { ProblemCode } from "./generated/client.ts";
import type { Problem, ProblemMembers } from "./generated/types.ts";

// deno-fmt-ignore
type Capital =
  | "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M"
  | "N" | "O" | "P" | "Q" | "R" | "S" | "T" | "U" | "V" | "W" | "X" | "Y" | "Z";

/**
 * Codes of the platform in front of the API, and of answers without a code: `http_502`. TypeScript
 * tells a code of the API from them by the first letters.
 */
type PlatformCode = `${Capital}${string}` | `http_${number}`;

/** Codes of the API, and codes of the platform in front of it (`BOOT_ERROR` …). */
export type ErrorCode = ProblemCode | PlatformCode;

type CodeWithMembers = keyof ProblemMembers;

/** The body of a problem, with the members of its code. */
export type ProblemBody<Code extends ProblemCode = ProblemCode> =
  & Problem
  & { code: Code }
  & (Code extends CodeWithMembers ? ProblemMembers[Code] : unknown);

/** An answer that is an error. */
class Refusal<Code extends ErrorCode, Body> extends Error {
  override readonly name: string = "PorticoError";
  /** Stable code for programs: `not_found`, `validation_failed` … */
  readonly code: Code;
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** A sentence for people that says what to do. */
  readonly detail: string;
  /** Field → message, with dotted paths for nested fields. Empty when no field is invalid. */
  readonly errors: Record<string, string>;
  /** Id for support requests. Undefined when the API was not reached. */
  readonly requestId: string | undefined;
  /** The whole body, with the members of its code (`merged_into`, `current` …). */
  readonly body: Body;
  readonly headers: Headers;

  constructor(response: Response, body: Body) {
    const problem = membersOf(body);
    const code = textOf(problem.code) ?? response.headers.get("sb-error-code") ??
      `http_${response.status}`;
    const detail = textOf(problem.detail) ?? textOf(problem.message) ?? textOf(problem.msg) ??
      `The server answered ${response.status} ${response.statusText}`.trim() + ".";
    super(detail);
    // The document declares which body a code has.
    this.code = code as Code;
    this.status = response.status;
    this.title = textOf(problem.title) ?? code;
    this.detail = detail;
    this.errors = fieldErrors(problem.errors);
    this.requestId = textOf(problem.request_id) ?? response.headers.get("x-request-id") ??
      undefined;
    this.body = body;
    this.headers = response.headers;
  }
}

/**
 * The API or the platform refused the request. `code` is stable. `message` says what to do. The type
 * of `body` depends on `code`: `if (error.code === "merged") error.body.merged_into`.
 */
export type PorticoError =
  | { [Code in CodeWithMembers]: Refusal<Code, ProblemBody<Code>> }[CodeWithMembers]
  | Refusal<Exclude<ProblemCode, CodeWithMembers>, Problem>
  | Refusal<PlatformCode, unknown>;

/** The class of the type `PorticoError`. */
export const PorticoError = Refusal as {
  new (response: Response, body: unknown): PorticoError;
  readonly prototype: PorticoError;
};

/** No answer came, because of the network, DNS, TLS or CORS. `cause` is the error of fetch. */
export class PorticoConnectionError extends Error {
  override readonly name: string = "PorticoConnectionError";
}

/** No answer came within `timeoutMs`. */
export class PorticoTimeoutError extends PorticoConnectionError {
  override readonly name = "PorticoTimeoutError";
}

function membersOf(body: unknown): Record<string, unknown> {
  return typeof body === "object" && body !== null ? { ...body } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fieldErrors(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(membersOf(value)).map(([field, message]) => [field, String(message)]),
  );
}
