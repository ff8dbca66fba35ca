/** Errors of calls. All problems of the API are one class and differ by `code`. */
import type { ProblemCode } from "./generated/client.ts";

/** Codes of the API, and codes of the platform in front of it (`BOOT_ERROR` …). */
export type ErrorCode = ProblemCode | (string & Record<never, never>);

/** The API or the platform refused the request. `code` is stable. `message` says what to do. */
export class PorticoError extends Error {
  override readonly name: string = "PorticoError";
  /** Stable code for programs: `not_found`, `validation_failed` … */
  readonly code: ErrorCode;
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
  readonly body: unknown;
  readonly headers: Headers;

  constructor(response: Response, body: unknown) {
    const problem = membersOf(body);
    const code = textOf(problem.code) ?? response.headers.get("sb-error-code") ??
      `http_${response.status}`;
    const detail = textOf(problem.detail) ?? textOf(problem.message) ?? textOf(problem.msg) ??
      `The server answered ${response.status} ${response.statusText}`.trim() + ".";
    super(detail);
    this.code = code;
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
