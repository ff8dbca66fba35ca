/** The parts of an OpenAPI document that the generators read, checked as they read them. */
import { Validator } from "@seriousme/openapi-schema-validator";
import * as z from "zod";

const reference = z.looseObject({ $ref: z.string().optional() });
const schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.string()).optional(),
  items: reference.optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
const content = z.object({ "application/json": z.object({ schema }) });
const parameter = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().default(false),
  schema: schema.extend({ items: schema.optional() }),
});
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().default(""),
  "x-surface": z.string().optional(),
  "x-filter-operators": z.record(z.string(), z.array(z.string())).optional(),
  parameters: z.array(parameter).default([]),
  requestBody: z.object({ required: z.boolean().default(false), content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.partial().optional() })),
});
const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schema) }),
});

export type Schema = z.output<typeof schema>;
/** An operation of the document, with its address. */
export type Described = z.output<typeof operation> & { method: string; path: string };

/** The operations and schemas of a document. Throws where it is not as OpenAPI 3.1 wants it. */
export async function readDocument(
  json: Record<string, unknown>,
): Promise<{ operations: Described[]; schemas: Record<string, Schema> }> {
  const result = await new Validator().validate(structuredClone(json));
  if (!result.valid) throw new Error(`OpenAPI: ${JSON.stringify(result.errors, null, 2)}`);
  const { paths, components } = document.parse(json);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ ...described, method, path }))
  );
  requireUnique(operations.map(({ operationId }) => operationId));
  for (const described of operations) requirePathParameters(described);
  return { operations, schemas: components.schemas };
}

function requireUnique(ids: string[]): void {
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw new Error(`OpenAPI: two operations are called ${twice}`);
}

function requirePathParameters({ operationId, path, parameters }: Described): void {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  const declared = parameters.filter((item) => item.in === "path").map(({ name }) => name).sort();
  if (inPath.join() === declared.join()) return;
  throw new Error(`OpenAPI: ${operationId} declares ${declared}, its path has ${inPath}`);
}
