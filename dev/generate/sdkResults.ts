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

/**
 * Returns the types of body and answer, once for each form of the body. The answers stand in the
 * order of the forms.
 */
export function typesOfForms(operation: Described): [body: string, result: string][] {
  const bodies = bodySchema(operation).oneOf ?? [];
  const results = resultSchema(operation)?.oneOf ?? [];
  return bodies.map((body, index) => [
    referenced(body) ?? "unknown",
    referenced(results[index] ?? {}) ?? "unknown",
  ]);
}

export function resultType(operation: Described): string {
  const content = resultContent(operation);
  if (content && !content["application/json"]) return "string";
  const schema = resultSchema(operation);
  if (!schema) return "void";
  const forms = typesOfForms(operation).map(([, result]) => result);
  if (forms.length > 0) return forms.join(" | ");
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
