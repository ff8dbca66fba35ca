/** Signatures of methods of the SDK, for the client and for what is built on it. */
import type { Described } from "./document.ts";
import { camelCase, className } from "./sdkNames.ts";
import { queryName, queryParameters, scalar } from "./sdkQueries.ts";
import { bodySchema, referenced, typesOfForms } from "./sdkResults.ts";

/**
 * Returns the operations of each resource. Paths of Atomic CRM are left out: they have a client of
 * their own.
 */
export function resourcesOf(operations: Described[]): Map<string, Described[]> {
  const offered = operations.filter((operation) => operation["x-surface"] !== "atomic");
  return Map.groupBy(offered, ({ operationId }) => operationId.split(".")[0] ?? "");
}

/** The parameters that decide about the type of the result, with their type parameters. */
const DECIDING = { select: "Select", include: "Include", count: "Count" };

function deciding(operation: Described): [name: string, type: string][] {
  const names = queryParameters(operation).map(({ name }) => name);
  return Object.entries(DECIDING).filter(([name]) => names.includes(name));
}

export function typeParameters(operation: Described): string {
  const parameters = deciding(operation).map(([name, type]) =>
    `${name === "count" ? "" : "const "}${type} extends ${
      queryName(operation)
    }["${name}"] = undefined`
  );
  return parameters.length > 0 ? `<${parameters.join(", ")}>` : "";
}

/** Passes the type parameters of a method on to another one. */
export function typeArguments(operation: Described): string {
  const types = deciding(operation).map(([, type]) => type);
  return types.length > 0 ? `<${types.join(", ")}>` : "";
}

export function selected(operation: Described, record: string): string {
  const types = deciding(operation).map(([, type]) => type);
  const [select = "undefined", include = "undefined"] = ["Select", "Include"]
    .map((type) => types.includes(type) ? type : undefined);
  return select === include ? record : `Selected<${record}, ${select}, ${include}>`;
}

export function counted(operation: Described, item: string): string {
  const count = deciding(operation).some(([name]) => name === "count") ? "Count" : "undefined";
  return `PageOf<${selected(operation, item)}, ${count}>`;
}

export function pathInput(operation: Described): string[] {
  return operation.parameters.filter((parameter) => parameter.in === "path")
    .map(({ name, schema }) => `${name}: ${scalar(schema)}`);
}

/** The body of a change also takes the record as it was read. */
export function bodyInput(
  operation: Described,
  result: string,
  fixed: string | undefined,
): string[] {
  const { requestBody, operationId } = operation;
  if (!requestBody) return [];
  const forms = typesOfForms(operation).map(([body]) => body);
  const named = forms.length > 0 ? forms.join(" | ") : referenced(bodySchema(operation));
  if (!named) throw new Error(`OpenAPI: the body of ${operationId} has no name`);
  const type = fixed ? `Changed<${named}, ${result}>` : named;
  return [`body${requestBody.required ? "" : "?"}: ${type}`];
}

export function queryInput(operation: Described): string[] {
  const parameters = queryParameters(operation);
  if (parameters.length === 0) return [];
  const chosen = deciding(operation).map(([name, type]) => `${name}?: ${type} | undefined`);
  const optional = parameters.every(({ required }) => !required);
  const also = chosen.length > 0 ? ` & { ${chosen.join("; ")} }` : "";
  return [`query${optional ? "?" : ""}: ${queryName(operation)}${also}`];
}

export function docComment({ summary, description }: Described): string {
  const text = [`${summary}.`, description].filter((part) => part !== "").join("\n\n");
  return `/**\n${
    text.replaceAll("*/", "* /").split("\n").map((line) => ` * ${line}`.trimEnd()).join("\n")
  }\n */`;
}

export function methodName({ operationId }: Described): string {
  return camelCase(operationId.split(".").slice(1).join("_"));
}

/** The suffix avoids names of records: `Me` is a record and a resource. */
export function resourceName(name: string): string {
  return `${className(name)}Resource`;
}
