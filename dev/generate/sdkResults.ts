/** The schemas of bodies and answers, as types of the SDK. */
import type { Described } from "./document.ts";

export function bodySchema({ requestBody }: Described) {
  return requestBody?.content["application/json"].schema ?? {};
}

function resultSchema(operation: Described) {
  return resultContent(operation)?.["application/json"]?.schema;
}

/** Returns the type of a page's items; undefined when the answer is no page. */
export function pageItem(operation: Described): string | undefined {
  const { data, next_cursor } = resultSchema(operation)?.properties ?? {};
  return next_cursor && referenced(data?.items ?? {});
}

export function resultType(operation: Described): string {
  const content = resultContent(operation);
  if (content && !content["application/json"]) return "string";
  const schema = resultSchema(operation);
  if (!schema) return "void";
  const items = referenced(schema.properties?.data?.items ?? {});
  return referenced(schema) ?? (items ? `{ data: ${items}[] }` : "Record<string, unknown>");
}

export function referenced({ $ref }: { $ref?: string }): string | undefined {
  return $ref?.split("/").at(-1);
}

function resultContent({ responses }: Described) {
  const [, success] = Object.entries(responses).find(([code]) => code.startsWith("2")) ?? [];
  return success?.content;
}
