/**
 * The OpenAPI 3.1 document, derived from the operations. OpenAPI 3.1 is JSON Schema 2020-12, so zod's
 * own `z.toJSONSchema` makes the schemas; those with an `id` in their `.meta()` become components.
 */
import { z } from "zod";
import type { ListFilter } from "./listingFilters.ts";
import type { Operation } from "./operation.ts";
import { parameterNames } from "./parameters.ts";
import { PROBLEMS } from "./problem.ts";
import { routeOf } from "./routes.ts";

type Json = Record<string, unknown>;

const TITLE = "Portico";
const DESCRIPTION =
  "REST API of a CRM on Supabase. Sign in with Supabase Auth and send the access token as a bearer.";

/** Builds the document for these operations. */
export function openApiDocument(operations: readonly Operation[], version: string): Json {
  const schemas: Json = { Problem: problemSchema() };
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = routeOf(operation).replace(/:(\w+)/g, "{$1}");
    const described = describe(operation, schemas);
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described };
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
    paths,
    components: {
      schemas,
      responses: {
        Problem: {
          description: "A problem (RFC 9457); `code` is stable.",
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        },
      },
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
  const { id, summary, description, access, permission, problems = [], body, example } = operation;
  const sentences = [
    description,
    permission && `Allowed to: ${permission}.`,
    problems.length > 0 &&
    `Problems of its own: ${problems.map((code) => `\`${code}\``).join(", ")}.`,
  ];
  return {
    operationId: id,
    tags: [resourceOf(operation)],
    summary,
    description: sentences.filter((sentence) => sentence).join("\n\n"),
    "x-access": access,
    ...(access === "anyone" && { security: [] }),
    ...(access === "service" && { security: [{ secret_key: [] }] }),
    ...(operation.surface === "atomic" && { "x-surface": "atomic" }),
    parameters: [
      ...pathParameters(operation, schemas),
      ...queryParameters(operation, schemas),
      ...headerParameters(operation),
    ],
    ...(body && {
      requestBody: {
        required: !body.safeParse(undefined).success,
        content: {
          "application/json": {
            schema: toSchema(body, "input", schemas),
            ...(example !== undefined && { example }),
          },
        },
      },
    }),
    ...filterOperators(operation),
    responses: responses(operation, schemas),
  };
}

function responses(operation: Operation, schemas: Json): Json {
  const status = operation.status ?? 200;
  const schema = toSchema(operation.output, "output", schemas);
  const media = { "application/json": { schema }, ...(isExportable(operation) && EXPORTS) };
  const content = status === 204 ? {} : { content: media };
  return {
    [status]: { description: "Success", ...content },
    ...(operation.multiStatus &&
      { 207: { description: "An outcome for each record", ...content } }),
    default: { $ref: "#/components/responses/Problem" },
  };
}

const EXPORTS: Json = Object.fromEntries(
  ["text/csv", "application/x-ndjson"].map((type) => [type, { schema: { type: "string" } }]),
);

function isExportable(operation: Operation): boolean {
  return operation.kind === "read" && operation.listing?.offer.csv !== undefined;
}

function pathParameters(operation: Operation, schemas: Json): Json[] {
  return properties(operation.params, schemas).map(([name, schema]) => (
    { name, in: "path", required: true, schema }
  ));
}

function queryParameters(operation: Operation, schemas: Json): Json[] {
  if (operation.kind !== "read" || !operation.listing) {
    return properties(operation.query, schemas)
      .map(([name, schema]) => queryParameter(name, schema));
  }
  const { offer } = operation.listing;
  const known: Record<string, Json> = {
    sort: {
      type: "string",
      description: "Columns, each with `-` for descending: `-last_seen,id`.",
    },
    limit: { type: "integer", minimum: 1, maximum: 200, default: 25 },
    cursor: { type: "string", description: "`next_cursor` of the page before." },
    count: { type: "string", enum: ["exact", "estimated"] },
    select: { type: "string", description: `Fields to return, of: ${offer.fields.join(", ")}.` },
    include: { type: "array", items: { type: "string", enum: offer.includes } },
    q: {
      type: "string",
      description: "Words that must all occur, each as a prefix; ranked unless over 500 match.",
    },
    format: {
      type: "string",
      enum: ["json", "csv", "ndjson"],
      description: "csv or ndjson: all records as a file, a line each.",
    },
  };
  return parameterNames(operation).map((name) =>
    queryParameter(name, known[name] ?? filterSchema(offer.filters[name]) ?? { type: "string" })
  );
}

/** Lists of values travel as one parameter, separated by commas. */
function queryParameter(name: string, schema: unknown): Json {
  return { name, in: "query", schema, ...(isArray(schema) && { style: "form", explode: false }) };
}

function filterSchema(filter: ListFilter | undefined): Json | undefined {
  if (!filter) return undefined;
  const { $schema: _, ...schema } = z.toJSONSchema(filter.schema, { unrepresentable: "any" });
  return { ...schema, description: filter.description };
}

function isArray(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "type" in schema &&
    schema.type === "array";
}

/** For generators: which operators each field takes as `field@op`. */
function filterOperators(operation: Operation): Json {
  if (operation.kind !== "read" || !operation.listing) return {};
  const { columns } = operation.listing.offer;
  const operators = Object.values(columns).map(({ name, operators }) => [name, operators]);
  return { "x-filter-operators": Object.fromEntries(operators) };
}

function headerParameters(operation: Operation): Json[] {
  const header = (name: string, description: string): Json => (
    { name, in: "header", schema: { type: "string" }, description }
  );
  if (operation.access === "anyone" || operation.access === "service") return [];
  if (operation.method === "POST") {
    return [
      header("Idempotency-Key", "Sent again with the same key, the request is answered as before."),
    ];
  }
  if (operation.method === "PATCH" && operation.surface !== "atomic") {
    return [header("If-Match", "The record's ETag: refused with 412 when the record has changed.")];
  }
  return [];
}

function properties(schema: z.ZodType | undefined, schemas: Json): [string, unknown][] {
  if (!schema) return [];
  const { properties } = toSchema(schema, "output", schemas);
  return Object.entries(typeof properties === "object" && properties !== null ? properties : {});
}

/** A schema as JSON Schema; named parts move to `components.schemas`. */
function toSchema(schema: z.ZodType, io: "input" | "output", schemas: Json): Json {
  const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema }) => {
      // Objects out may grow; clients must ignore what they do not know.
      if (io === "output") delete jsonSchema.additionalProperties;
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

function rewriteReferences(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
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
      detail: { type: "string", description: "What to do about it." },
      code: { type: "string", enum: Object.keys(PROBLEMS) },
      message: { type: "string", description: "The same as `detail`." },
      request_id: text,
      errors: { type: "object", additionalProperties: text, description: "Field → message." },
    },
  };
}
