/**
 * Responses of the document: the successful ones with their headers, and for each status of a
 * problem the codes that the operation can answer (RFC 9457).
 */
import { problemsOf } from "../facts.ts";
import type { Operation } from "../operation.ts";
import { type ProblemCode, problemMembers, problemType, problemTypes } from "../problem.ts";
import { hasProperty, type Json, toSchema } from "./schemas.ts";

/** Headers of answers: name → description. */
const HEADERS = {
  "X-Request-Id": "Id of the request, also in the log.",
  "Portico-Version": "The version that has answered.",
  "Server-Timing": "Milliseconds of the database and in total.",
  "RateLimit": "Requests that are left, and seconds until the limit begins anew.",
  "RateLimit-Policy": "The limit of requests, and its period in seconds.",
  "ETag": "Version of the record, for `If-Match`.",
  "Location": "Address of the created record.",
  "Content-Location": "Address of the record that the requested one was merged into.",
  "Content-Disposition": "Name of the exported file.",
  "Portico-Change":
    "Id of the change that this request made, for its undo. Absent when nothing has changed.",
  "Idempotency-Replayed": "`true` when this is the stored answer of an earlier request.",
  "Retry-After": "Seconds to wait before the next attempt.",
  "WWW-Authenticate": "How to sign in (RFC 6750).",
} as const;

type Header = keyof typeof HEADERS;

/** Returns the headers that responses refer to: name → header. */
export function sharedHeaders(): Json {
  return Object.fromEntries(
    Object.entries(HEADERS).map(([name, description]) => [
      name,
      { description, schema: { type: "string" } },
    ]),
  );
}

/** Returns the responses of an operation. Problems that operations share go to `shared`. */
export function responsesOf(operation: Operation, schemas: Json, shared: Json): Json {
  const status = operation.status ?? 200;
  const schema = outputOf(operation, schemas);
  const content = status === 204 ? {} : { content: contentOf(operation, schema) };
  const headers = refer(headersOf(operation, schema, schemas));
  return {
    [status]: { description: "Success", headers, ...content },
    ...(operation.multiStatus &&
      { 207: { description: "One outcome per record", headers, ...content } }),
    ...problemResponses(operation, shared),
  };
}

/** The answers of several forms stand in the order of the forms. */
function outputOf({ output, forms }: Operation, schemas: Json): Json {
  if (!forms) return toSchema(output, "output", schemas);
  return { oneOf: forms.map((form) => toSchema(form.output, "output", schemas)) };
}

function contentOf(operation: Operation, schema: Json): Json {
  const isExportable = operation.kind === "list" && operation.of.parameters.csv !== undefined;
  const isFeed = operation.kind === "list" && operation.of.parameters.feed !== undefined;
  const file = { schema: { type: "string" } };
  return {
    [operation.contentType ?? "application/json"]: { schema },
    ...(operation.events && { "text/event-stream": file }),
    ...(isExportable && { "text/csv": file }),
    ...((isExportable || isFeed) && { "application/x-ndjson": file }),
  };
}

function headersOf(operation: Operation, schema: Json, schemas: Json): Header[] {
  const { kind, access, method, location } = operation;
  const isExportable = kind === "list" && operation.of.parameters.csv !== undefined;
  const isChange = kind === "write" || kind === "saga";
  return [
    "X-Request-Id",
    "Portico-Version",
    "Server-Timing",
    ...(access === "member" ? ["RateLimit", "RateLimit-Policy"] as const : []),
    ...(hasProperty(schema, "updated_at", schemas) ? ["ETag"] as const : []),
    ...(location ? ["Location"] as const : []),
    ...(operation.problems?.includes("merged") && method === "GET"
      ? ["Content-Location"] as const
      : []),
    ...(isExportable || operation.contentType ? ["Content-Disposition"] as const : []),
    ...(isChange ? ["Portico-Change"] as const : []),
    ...(access === "member" && method === "POST" ? ["Idempotency-Replayed"] as const : []),
  ];
}

function refer(headers: Header[]): Json {
  return Object.fromEntries(
    headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

function problemResponses(operation: Operation, shared: Json): Json {
  const byStatus = Map.groupBy(
    [...problemsOf(operation)].sort(),
    (code) => String(problemType(code)[0]),
  );
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      { $ref: `#/components/responses/${shareProblem(operation, status, codes, shared)}` },
    ]),
  );
}

/** Returns the name of the response with these codes. The first operation that needs it adds it. */
function shareProblem(
  { id }: Operation,
  status: string,
  codes: ProblemCode[],
  shared: Json,
): string {
  const response = problemResponse(status, codes);
  const text = JSON.stringify(response);
  const [known] = Object.entries(shared).find(([, other]) => JSON.stringify(other) === text) ?? [];
  if (known) return known;
  const isFirst = !Object.keys(shared).some((name) => name.startsWith(`Problem${status}`));
  const name = isFirst ? `Problem${status}` : `Problem${status}.${id}`;
  shared[name] = response;
  return name;
}

function problemResponse(status: string, codes: ProblemCode[]): Json {
  const retries = ["409", "429", "503"].includes(status) ? ["Retry-After"] as const : [];
  const challenge = status === "401" ? ["WWW-Authenticate"] as const : [];
  const members = Object.assign({}, ...codes.map(problemMembers));
  const narrowed = {
    properties: {
      status: { type: "integer", const: Number(status) },
      code: { type: "string", enum: codes },
      ...members,
    },
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${problemType(code)[1]}.`).join("\n\n"),
    headers: refer(["X-Request-Id", "Portico-Version", ...retries, ...challenge]),
    content: {
      "application/problem+json": {
        schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, narrowed] },
      },
    },
  };
}

/** Returns the schema that all problems have in common. */
export function problemSchema(): Json {
  const text = (description: string) => ({ type: "string", description });
  return {
    type: "object",
    description: "A problem (RFC 9457). `code` is stable.",
    required: ["type", "title", "status", "detail", "code", "message", "request_id"],
    properties: {
      type: text("`urn:portico:problem:` and the code."),
      title: text("What kind of problem it is."),
      status: { type: "integer", description: "The status of the answer." },
      detail: text("A sentence that says what to do."),
      code: {
        type: "string",
        enum: Object.keys(problemTypes()),
        description: "Name of the problem. It never changes its meaning.",
      },
      message: text("The same as `detail`."),
      request_id: text("Id of the request, also in the log and in `X-Request-Id`."),
      errors: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "Field or parameter → what to do.",
      },
    },
  };
}
