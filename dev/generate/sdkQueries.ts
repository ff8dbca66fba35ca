/** Generates the types of queries: filters by kind of value, and the query of each operation. */
import type { Described, Parameter, Schema } from "./document.ts";
import { className } from "./sdkNames.ts";

/** Kind of a field's value → its type in TypeScript. */
const VALUES: Record<string, string> = {
  number: "number",
  time: "string | Date",
  date: "string",
  text: "Value",
  long_text: "string",
  boolean: "boolean",
  uuid: "string",
  ids: "number | readonly number[]",
  elements: "string",
};

const OPERATORS: Record<string, string> = {
  eq: "Equal.",
  neq: "Not equal, or null.",
  gt: "Greater than.",
  gte: "Greater than or equal.",
  lt: "Less than.",
  lte: "Less than or equal.",
  in: "One of these values.",
  is: 'Null, or `"not.null"`.',
  like: "Matches a pattern, in which `*` stands for any characters.",
  ilike: "Matches a pattern, in which `*` stands for any characters, whatever the case.",
  cs: "Contains all of these.",
  cd: "Contains none but these.",
  ov: "Contains one of these.",
};

/** Parameters that the methods of the SDK set themselves. */
const SET_BY_METHODS = ["format"];

/**
 * Emits the filter of each kind of value: the value itself, null, or an object with operators.
 * `operators` maps kinds to operators.
 */
export function emitFilters(operators: Record<string, string[]>): string {
  return Object.entries(operators).map(([kind, names]) => {
    const value = VALUES[kind];
    const members = names.map((name) =>
      `/** ${OPERATORS[name] ?? name} */\n${name}?: ${operand(name, kind, value)} | undefined;`
    );
    const generic = kind === "text" ? "<Value extends string = string>" : "";
    return `
      export type ${filterName(kind)}${generic} = ${value ? `${value} | ` : ""}null | {
        ${members.join("\n")}
      };`;
  }).join("\n");
}

function operand(operator: string, kind: string, value = "string"): string {
  if (operator === "is") return `null | "not.null"${kind === "boolean" ? " | boolean" : ""}`;
  if (operator === "in") return `readonly (${value})[]`;
  return operator.endsWith("like") ? "string" : value;
}

/**
 * Emits the query of an operation as an interface; "" when it has no query. `fields` are the fields
 * of the records of a list.
 */
export function emitQuery(operation: Described, fields: Record<string, Schema>): string {
  const filters = operation["x-filters"] ?? {};
  const parameters = queryParameters(operation);
  if (parameters.length === 0) return "";
  const members = parameters.filter(({ name }) => !Object.hasOwn(filters, name))
    .map((parameter) => member(parameter, parameterType(parameter)));
  const conditions = Object.entries(filters).map(([name, kind]) => {
    const { description, enum: choices } = fields[name] ?? {};
    return member({ name, description, required: false }, filterType(kind, choices));
  });
  const { summary, operationId } = operation;
  return `
    /** Query of \`${operationId}\`: ${summary}. */
    export interface ${queryName(operation)} { ${[...members, ...conditions].join("\n")} }`;
}

/** Returns the parameters of an operation's query that its method takes. */
export function queryParameters(operation: Described): Parameter[] {
  return operation.parameters
    .filter(({ in: place, name }) => place === "query" && !SET_BY_METHODS.includes(name));
}

export function queryName({ operationId }: Described): string {
  return `${className(operationId)}Query`;
}

function member(
  { name, required, description }: Pick<Parameter, "name" | "required" | "description">,
  type: string,
): string {
  const comment = description ? `/** ${description.replaceAll("*/", "* /")} */\n` : "";
  return `${comment}${name}${required ? "" : "?"}: ${type}${required ? "" : " | undefined"};`;
}

function filterType(kind: string, choices: string[] | undefined): string {
  return choices && kind === "text" ? `${filterName(kind)}<${union(choices)}>` : filterName(kind);
}

function parameterType({ name, schema }: Parameter): string {
  if (name !== "sort") return typeOf(schema);
  const ascending = schema.items?.enum?.filter((choice) => !choice.startsWith("-"));
  return `Sort<${union(ascending ?? [])}>`;
}

function typeOf(schema: Schema & { items?: Schema }): string {
  if (schema.enum) return union(schema.enum);
  if (schema.items) return `readonly (${typeOf(schema.items)})[]`;
  return schema.type === undefined ? "string | number | boolean" : scalar(schema);
}

export function scalar({ type }: Schema): string {
  if (type === "boolean") return "boolean";
  return type === "integer" || type === "number" ? "number" : "string";
}

export function union(names: string[]): string {
  return names.map((name) => `"${name}"`).join(" | ") || "never";
}

function filterName(kind: string): string {
  return className(`${kind}_filter`);
}
