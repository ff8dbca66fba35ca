/** What a call can throw. A problem that the API answers is one class; its `code` says which. */
import type { ProblemCode } from "./generated/client.ts";

/** Codes of the API, and what the platform before it says in its own words (`BOOT_ERROR` …). */
export type ErrorCode = ProblemCode | (string & Record<never, never>);

/** The API refused the call. `code` is stable; `message` says what to do about it. */
export class PorticoError extends Error {
  override readonly name: string = "PorticoError";
  /** `not_found`, `validation_failed` …: what programs decide by. */
  readonly code: ErrorCode;
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** A sentence for people: what to do about it. */
  readonly detail: string;
  /** Field → message, dotted paths for nested fields; empty when no field is at fault. */
  readonly errors: Record<string, string>;
  /** Quote it when you ask for help; undefined when the API was not reached. */
  readonly requestId: string | undefined;
  /** The whole answer, with the members that belong to its code (`merged_into`, `current` …). */
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

/** No answer came: the network, DNS, TLS, or CORS in a browser. `cause` is what fetch threw. */
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
