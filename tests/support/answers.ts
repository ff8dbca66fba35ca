/** Assertions on answers: the declared schema, the form of problems, and no internals. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { descriptions } from "../../supabase/functions/api/descriptions.ts";
import { openApiDocument } from "../../supabase/functions/_shared/openapi/document.ts";
import {
  isProblemCode,
  problemMembers,
  problemTypes,
} from "../../supabase/functions/_shared/problem.ts";
import { routeOf } from "../../supabase/functions/_shared/facts.ts";
import { operations } from "./registry.ts";
import type { Answer } from "./workspace.ts";

const codes = z.enum(Object.keys(problemTypes()));
const problemSchema = z.looseObject({
  type: z.string().startsWith("urn:portico:problem:"),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().regex(/^[A-Z].*[.]$/s),
  code: codes,
  message: z.string(),
  request_id: z.string().min(8),
  errors: z.record(z.string(), z.string()).optional(),
});

/** Patterns of internals: SQL, the driver, stack traces, keys. */
const INTERNAL =
  /\b(select|insert into|update \w+ set|delete from) |_(fkey|pkey)\b|violates|SQLSTATE|PostgresError|ZodError|TypeError|\.ts:\d|node_modules|file:\/\/|sb_secret_|eyJ[\w-]+\.|pg_|relation "/i;

/** Asserts that an answer is this problem, has its declared members, and reveals no internals. */
export function assertProblem(answer: Answer, status: number, code: string): void {
  const { body, headers } = answer;
  assertEquals([answer.status, body.code], [status, code], JSON.stringify(body));
  assertEquals(headers.get("Content-Type"), "application/problem+json");
  const { shape } = problemSchema;
  const members = isProblemCode(code) ? Object.keys(problemMembers(code)) : [];
  assertEquals(Object.keys(body).filter((name) => !(name in shape) && !members.includes(name)), []);
  problemSchema.parse(body);
  assertEquals(body.type, `urn:portico:problem:${code}`);
  assertEquals(body.status, status);
  assertEquals(body.message, body.detail);
  assertEquals(body.request_id, headers.get("X-Request-Id"));
  assertEquals(headers.get("WWW-Authenticate") !== null, status === 401);
  assertNothingInternal(body);
}

/** Asserts that a body reveals no internals of the gateway or the database. */
export function assertNothingInternal(body: unknown): void {
  const { current: _, ...rest } = z.looseObject({}).parse(body);
  const found = INTERNAL.exec(JSON.stringify(rest));
  assertEquals(found?.[0], undefined, JSON.stringify(body));
}

/** Asserts that a successful answer fits its operation's schemas, and has no other field. */
export function assertDeclared(operation: Operation, answer: Answer): void {
  assertEquals(answer.status, operation.status ?? 200, JSON.stringify(answer.body));
  if (answer.status === 204) return assertEquals(answer.body, "");
  if (operation.contentType) {
    const [type] = answer.headers.get("Content-Type")?.split(";") ?? [];
    return assertEquals(type, operation.contentType);
  }
  assertEquals(answer.headers.get("Content-Type"), "application/json");
  assertEquals(undeclaredFields(answer.body, operation.output.parse(answer.body)), []);
  const documented = documentedSchema(operation).safeParse(answer.body);
  assert(documented.success, documented.error?.message);
}

/** Paths of fields that the schema does not have. zod objects drop them when they parse. */
export function undeclaredFields(raw: unknown, parsed: unknown, path = ""): string[] {
  if (typeof raw !== "object" || raw === null) return [];
  return Object.entries(raw).flatMap(([key, value]) => {
    const at = `${path}/${key}`;
    const known = typeof parsed === "object" && parsed !== null && key in parsed;
    return known ? undeclaredFields(value, Reflect.get(parsed, key), at) : [at];
  });
}

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
}).parse(openApiDocument(operations, "0.0.0", descriptions));

/** A validator for the schema of the successful answer in the OpenAPI document. */
function documentedSchema(operation: Operation): z.ZodType {
  const path = routeOf(operation).replace(/:(\w+)/g, "{$1}");
  const described = document.paths[path]?.[operation.method.toLowerCase()];
  const json = z.object({ schema: z.looseObject({}) });
  const success = z.object({ content: z.object({ "application/json": json }) });
  const { responses } = z.object({ responses: z.record(z.string(), z.unknown()) })
    .parse(described);
  const { schema } = success.parse(responses[operation.status ?? 200]).content["application/json"];
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/")));
}
