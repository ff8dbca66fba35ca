/**
 * Derives the OpenAPI 3.1 document from the operations. OpenAPI 3.1 uses JSON Schema 2020-12, so
 * that `z.toJSONSchema` can make the schemas. A schema with an `id` in its `.meta()` becomes a
 * component, as does a parameter that many operations share.
 */
import * as z from "zod";
import { allowedOf, allowedPhrase, parameterNames, routeOf } from "./facts.ts";
import { LIST_OPERATORS, LIST_PARAMETERS, type Listing } from "./list/list.ts";
import type { Operation } from "./operation.ts";
import { problemTypes } from "./problem.ts";

type Json = Record<string, unknown>;

const TITLE = "Portico";
const DESCRIPTION =
  "REST API of a CRM on Supabase. Sign in with Supabase Auth and send the access token as a bearer.";

/** Request headers of operations: name → description. */
const HEADERS: Record<string, string> = {
  "Idempotency-Key": "A repeated request with the same key gets the answer of the first one.",
  "If-Match": "The record's ETag. The answer is 412 when the record has changed since.",
};

/** Returns the document of these operations. */
export function openApiDocument(operations: readonly Operation[], version: string): Json {
  const schemas: Json = { Problem: problemSchema() };
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = routeOf(operation).replace(/:(\w+)/g, "{$1}");
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: describe(operation, schemas),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: TITLE,
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/functions/v1" }],
    security: [{ bearer: [] }],
    tags: [...new Set(operations.map(resourceOf))].map((name) => ({ name })),
    // Kind of a field's value → operators that the field takes as `field@op`.
    "x-operators": LIST_OPERATORS,
    paths,
    components: {
      schemas,
      parameters: sharedParameters(),
      responses: { Problem: problemResponse() },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        secret_key: { type: "apiKey", in: "header", name: "apikey" },
      },
    },
  };
}

function resourceOf(operation: Operation): string {
  return operation.id.split(".")[0] ?? "";
}

function describe(operation: Operation, schemas: Json): Json {
  const { id, summary, access, restricted } = operation;
  return {
    operationId: id,
    tags: [resourceOf(operation)],
    summary,
    description: descriptionOf(operation),
    "x-access": access,
    ...(access === "member" && { "x-allowed": { operation: allowedOf(operation), ...restricted } }),
    ...(operation.dryRun && { "x-dry-run": operation.dryRun }),
    ...(access === "anyone" && { security: [] }),
    ...(access === "service" && { security: [{ secret_key: [] }] }),
    ...(operation.surface === "atomic" && { "x-surface": "atomic" }),
    ...(operation.kind === "list" && { "x-filters": filtersOf(operation.of) }),
    parameters: [
      ...pathParameters(operation, schemas),
      ...queryParameters(operation, schemas),
      ...headerParameters(operation),
    ],
    ...requestBody(operation, schemas),
    responses: responses(operation, schemas),
  };
}

function descriptionOf(operation: Operation): string {
  const { description, access, problems = [] } = operation;
  const sentences = [
    description,
    access === "member" && `Allowed to: ${allowedPhrase(operation)}.`,
    problems.length > 0 && `Problems: ${problems.map((code) => `\`${code}\``).join(", ")}.`,
  ];
  return sentences.filter((sentence) => sentence).join("\n\n");
}

function requestBody({ body, example }: Operation, schemas: Json): Json {
  if (!body) return {};
  const schema = toSchema(body, "input", schemas);
  return {
    requestBody: {
      required: !body.safeParse(undefined).success,
      content: { "application/json": { schema, ...(example !== undefined && { example }) } },
    },
  };
}

function responses(operation: Operation, schemas: Json): Json {
  const status = operation.status ?? 200;
  const content = status === 204 ? {} : { content: contentOf(operation, schemas) };
  return {
    [status]: { description: "Success", ...content },
    ...(operation.multiStatus &&
      { 207: { description: "One outcome per record", ...content } }),
    default: { $ref: "#/components/responses/Problem" },
  };
}

function contentOf(operation: Operation, schemas: Json): Json {
  const schema = toSchema(operation.output, "output", schemas);
  const isExportable = operation.kind === "list" && operation.of.parameters.csv !== undefined;
  const file = { schema: { type: "string" } };
  return {
    "application/json": { schema },
    ...(isExportable && { "text/csv": file, "application/x-ndjson": file }),
  };
}

function pathParameters(operation: Operation, schemas: Json): Json[] {
  return properties(operation.params, schemas).map(([name, schema]) => (
    { name, in: "path", required: true, schema }
  ));
}

function queryParameters(operation: Operation, schemas: Json): Json[] {
  if (operation.kind !== "list") {
    return properties(operation.query, schemas)
      .map(([name, schema]) => queryParameter(name, schema));
  }
  const { fields, includes, filters } = operation.of.parameters;
  const ofThisList: Record<string, Json> = {
    select: listOf(fields, "Fields to return. Default: all."),
    include: listOf(includes, "Related records to return with each record."),
    ...Object.fromEntries(
      Object.entries(filters).map(([name, { schema, description }]) => [
        name,
        { ...toSchema(schema, "input", schemas), description },
      ]),
    ),
  };
  return parameterNames(operation).map((name) =>
    Object.hasOwn(LIST_PARAMETERS, name)
      ? { $ref: `#/components/parameters/${name}` }
      : queryParameter(name, ofThisList[name] ?? { type: "string" })
  );
}

function listOf(names: string[], description: string): Json {
  return { type: "array", items: { type: "string", enum: names }, description };
}

/** An array is sent as one parameter, with commas between its values. */
function queryParameter(name: string, schema: unknown): Json {
  const isArray = typeof schema === "object" && schema !== null && "type" in schema &&
    schema.type === "array";
  return { name, in: "query", schema, ...(isArray && { style: "form", explode: false }) };
}

/** Returns the kind of each field's value, for which `x-operators` lists the operators. */
function filtersOf({ parameters }: Listing): Json {
  return Object.fromEntries(
    Object.values(parameters.columns).map(({ name, kind }) => [name, kind]),
  );
}

function sharedParameters(): Json {
  const query = Object.entries(LIST_PARAMETERS).map(([name, schema]) => [
    name,
    queryParameter(name, z.toJSONSchema(schema)),
  ]);
  const headers = Object.entries(HEADERS).map(([name, description]) => [
    name,
    { name, in: "header", schema: { type: "string" }, description },
  ]);
  return Object.fromEntries([...query, ...headers]);
}

function headerParameters({ access, method, ifMatch }: Operation): Json[] {
  const names = [
    ...(access === "member" && method === "POST" ? ["Idempotency-Key"] : []),
    ...(ifMatch ? ["If-Match"] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

function properties(schema: z.ZodType | undefined, schemas: Json): [string, unknown][] {
  if (!schema) return [];
  const { properties } = toSchema(schema, "output", schemas);
  return Object.entries(typeof properties === "object" && properties !== null ? properties : {});
}

/** Returns a schema as JSON Schema. Named parts are moved to `schemas`, and referenced. */
function toSchema(schema: z.ZodType, io: "input" | "output", schemas: Json): Json {
  const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema }) => {
      // Later versions may add fields to answers: clients must ignore unknown fields.
      if (io === "output") delete jsonSchema.additionalProperties;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      mergeNull(jsonSchema);
    },
  }) as Json & { $defs?: Record<string, Json> };
  for (const [name, definition] of Object.entries($defs ?? {})) {
    const { id: _id, ...described } = definition;
    schemas[name] ??= rewriteReferences(described);
  }
  const { id, ...described } = rest;
  if (typeof id !== "string") return rewriteReferences(described);
  schemas[id] ??= rewriteReferences(described);
  return { $ref: `#/components/schemas/${id}` };
}

/** Replaces `anyOf` of one type and null by one schema with two types. */
function mergeNull(schema: z.core.JSONSchema.BaseSchema): void {
  const [one, other, ...more] = schema.anyOf ?? [];
  const isNullable = one && "type" in one && typeof one.type === "string" && !("enum" in one) &&
    other && "type" in other && other.type === "null" && more.length === 0;
  if (!isNullable) return;
  delete schema.anyOf;
  Object.assign(schema, one, { type: [one.type, "null"] });
}

function rewriteReferences(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function problemResponse(): Json {
  const schema = { $ref: "#/components/schemas/Problem" };
  return {
    description: "A problem (RFC 9457); `code` is stable.",
    content: { "application/problem+json": { schema } },
  };
}

function problemSchema(): Json {
  const text = { type: "string" };
  return {
    type: "object",
    required: ["type", "title", "status", "detail", "code", "message", "request_id"],
    properties: {
      type: text,
      title: text,
      status: { type: "integer" },
      detail: { type: "string", description: "A sentence that says what to do." },
      code: { type: "string", enum: Object.keys(problemTypes()) },
      message: { type: "string", description: "The same as `detail`." },
      request_id: text,
      errors: { type: "object", additionalProperties: text, description: "Field → message." },
    },
  };
}
