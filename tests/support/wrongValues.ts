/** Values that a body's schema refuses, derived from the schema. */
import * as z from "zod";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";

export interface Schema {
  type?: string | string[];
  format?: string;
  maxLength?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

const NO_TIMES = [
  "",
  "2024-05-01",
  "2024-02-30T00:00:00Z",
  "0000-05-01T00:00:00Z",
  "2024-05-01T00:00:00",
  "2024-05-01T00:00:00+16:00",
  "infinity",
];

/** The body of an operation as JSON Schema, with its references resolved. */
export function bodySchema({ id, body }: Pick<Operation, "id" | "body">): Schema {
  if (!body) throw new Error(`${id} has no body.`);
  const { $defs = {}, ...schema } = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  const filled = JSON.stringify(schema, (_, value) => {
    const name = /^#\/\$defs\/(.+)$/.exec(value?.$ref ?? "")?.[1];
    return name ? $defs[name] : value;
  });
  return JSON.parse(filled);
}

/** Values that a field's schema refuses; none for a field of any type. */
export function wrongValues(schema: Schema): unknown[] {
  const branches = branchesOf(schema);
  const types = branches.flatMap(({ type }) => type);
  if (types.some((type) => type === undefined)) return [];
  const wrong: unknown[] = [];
  if (!types.includes("string")) wrong.push("text");
  if (!types.includes("number") && !types.includes("integer")) wrong.push(7);
  if (!types.includes("boolean")) wrong.push(true);
  if (!types.includes("array")) wrong.push(["text"]);
  if (!types.includes("object")) wrong.push({ a: 1 });
  if (!types.includes("null")) wrong.push(null);
  return [...wrong, ...branches.flatMap(beyondBounds)];
}

function branchesOf(schema: Schema): Schema[] {
  return schema.anyOf?.flatMap(branchesOf) ?? [schema];
}

function beyondBounds(schema: Schema): unknown[] {
  const { maxLength, maxItems, minimum, maximum, items, type, format } = schema;
  const wrong: unknown[] = [];
  if (format === "date-time") wrong.push(...NO_TIMES);
  if (format === "uri") wrong.push("example.com", "javascript:alert(1)");
  if (maxLength !== undefined) wrong.push("x".repeat(maxLength + 1), "zero \u0000 byte", "\ud800");
  if (maxItems !== undefined && items) wrong.push(Array(maxItems + 1).fill(1));
  if (minimum !== undefined) wrong.push(minimum - 1);
  if (maximum !== undefined) wrong.push(maximum + 1, 1e300);
  if (type === "integer") wrong.push(1.5);
  if (items) wrong.push([null], [[]]);
  return wrong;
}
