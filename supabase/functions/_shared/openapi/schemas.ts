/**
 * JSON Schemas of the document. OpenAPI 3.1 uses JSON Schema 2020-12, so that `z.toJSONSchema` can
 * make them. A schema with an `id` in its `.meta()` becomes a component.
 */
import * as z from "zod";

export type Json = Record<string, unknown>;

/** Returns a schema as JSON Schema. Named parts are moved to `schemas`, and referenced. */
export function toSchema(schema: z.ZodType, io: "input" | "output", schemas: Json): Json {
  const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema }) => {
      // Later versions may add fields to answers: clients must ignore unknown fields.
      if (io === "output") allowFurtherFields(jsonSchema);
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

/** Returns the properties of an object's schema: name → schema. */
export function propertiesOf(schema: z.ZodType | undefined, schemas: Json): [string, Json][] {
  if (!schema) return [];
  const { properties } = toSchema(schema, "output", schemas);
  return Object.entries(isJson(properties) ? properties : {})
    .map(([name, property]) => [name, isJson(property) ? property : {}]);
}

/** Whether a named or inline schema has a property. */
export function hasProperty(schema: Json, name: string, schemas: Json): boolean {
  const { $ref } = schema;
  const target = typeof $ref === "string" ? schemas[$ref.split("/").at(-1) ?? ""] : schema;
  return isJson(target) && isJson(target.properties) && name in target.properties;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Removes `additionalProperties`, unless it is the schema of the values of a record. */
function allowFurtherFields(schema: z.core.JSONSchema.BaseSchema): void {
  const { additionalProperties: values } = schema;
  const isRecord = typeof values === "object" && Object.keys(values).length > 0;
  if (!isRecord) delete schema.additionalProperties;
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

/** Field → its description. */
export type Descriptions = Readonly<Record<string, string>>;

/** Adds the missing descriptions to the properties of all schemas in a part of the document. */
export function describeFields(part: unknown, descriptions: Descriptions): void {
  if (typeof part !== "object" || part === null) return;
  if ("properties" in part && isJson(part.properties)) {
    for (const [name, property] of Object.entries(part.properties)) {
      const description = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
      if (description && isJson(property)) property.description ??= description;
    }
  }
  for (const [name, value] of Object.entries(part)) {
    if (!["example", "enum", "default"].includes(name)) describeFields(value, descriptions);
  }
}
