/** The parts of an OpenAPI document that the generators read, checked as they read them. */
import { Validator } from "@seriousme/openapi-schema-validator";
import * as z from "zod";

const reference = z.looseObject({ $ref: z.string().optional() });
const schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  items: reference.optional(),
  oneOf: z.array(reference).optional(),
  get properties() {
    return z.record(z.string(), schema).optional();
  },
});
const content = z.object({
  "application/json": z.object({
    schema,
    example: z.unknown().optional(),
    /** The example of each form of a body that has several. */
    examples: z.record(z.string(), z.object({ summary: z.string(), value: z.unknown() }))
      .optional(),
  }),
});
const parameter = z.object({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().default(false),
  description: z.string().optional(),
  schema: schema.extend({ items: schema.optional() }),
});
const parameterReference = z.object({ $ref: z.string() });
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string().default(""),
  "x-surface": z.string().optional(),
  "x-access": z.string().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  "x-filters": z.record(z.string(), z.string()).optional(),
  parameters: z.array(z.union([parameterReference, parameter])).default([])
    // Conditions on fields follow from `x-filters`.
    .transform((all) => all.filter((item) => !("name" in item && item.name.includes("@")))),
  requestBody: z.object({ required: z.boolean().default(false), content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.partial().optional() })),
});
const document = z.object({
  "x-operators": z.record(z.string(), z.array(z.string())).default({}),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), schema),
    parameters: z.record(z.string(), parameter).default({}),
  }),
});

export type Schema = z.output<typeof schema>;
export type Parameter = z.output<typeof parameter>;
/** An operation of the document, with its address and its parameters in full. */
export type Described = Omit<z.output<typeof operation>, "parameters"> & {
  method: string;
  path: string;
  parameters: Parameter[];
};

/** The parts of a document that the generators read. */
export interface ApiDocument {
  operations: Described[];
  schemas: Record<string, Schema>;
  /** Kind of value → the operators that a field of this kind takes. */
  operators: Record<string, string[]>;
}

/** Reads a document. Throws when it is not valid OpenAPI 3.1. */
export async function readDocument(json: Record<string, unknown>): Promise<ApiDocument> {
  const result = await new Validator().validate(structuredClone(json));
  if (!result.valid) throw new Error(`OpenAPI: ${JSON.stringify(result.errors, null, 2)}`);
  const { paths, components, "x-operators": operators } = document.parse(json);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      ...described,
      method,
      path,
      parameters: described.parameters.map((item) => resolved(item, components.parameters)),
    }))
  );
  requireUnique(operations.map(({ operationId }) => operationId));
  for (const described of operations) requirePathParameters(described);
  return { operations, schemas: components.schemas, operators };
}

function resolved(
  item: Parameter | z.output<typeof parameterReference>,
  known: Record<string, Parameter>,
): Parameter {
  if (!("$ref" in item)) return item;
  const found = known[item.$ref.replace("#/components/parameters/", "")];
  if (!found) throw new Error(`OpenAPI: there is no ${item.$ref}`);
  return found;
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
