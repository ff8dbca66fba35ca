/** Parameters of the document: of the path, the query and the headers. */
import * as z from "zod";
import { parameterNames } from "../facts.ts";
import { LIST_OPERATORS, LIST_PARAMETERS, type Listing } from "../list/list.ts";
import type { Operation } from "../operation.ts";
import { type Json, propertiesOf, toSchema } from "./schemas.ts";

/** Request headers of operations: name → description. */
const HEADERS: Record<string, string> = {
  "Idempotency-Key": "A repeated request with the same key gets the answer of the first one.",
  "If-Match": "The record's ETag. The answer is 412 when the record has changed since.",
};

type Operator = (typeof LIST_OPERATORS)[keyof typeof LIST_OPERATORS][number];

/** Operator → what it asks of a field. */
const OPERATORS: Record<Operator, string> = {
  eq: "equals the value",
  neq: "differs from the value",
  gt: "is greater",
  gte: "is greater or equal",
  lt: "is less",
  lte: "is less or equal",
  in: "is one of the values",
  is: "is `null` or `not.null`",
  like: "matches the pattern; `*` stands for any text",
  ilike: "matches the pattern without regard to case; `*` stands for any text",
  cs: "contains all of the values",
  cd: "contains no other values",
  ov: "contains one of the values",
};

/** The query language, for the description of the document. */
export const QUERY_LANGUAGE = [
  "Lists are filtered by `field=value` or `field@op=value`. Several conditions must all be true. " +
  "The operators:",
  Object.entries(OPERATORS).map(([operator, text]) => `- \`${operator}\`: the field ${text}`).join(
    "\n",
  ),
  "Values of `in` are separated by commas; one with a comma stands in double quotes. `sort` takes " +
  "fields, with `-` for descending order. `next_cursor` of a page is the `cursor` of the next one.",
].join("\n\n");

/** Returns the parameters of an operation. */
export function parametersOf(operation: Operation, schemas: Json): Json[] {
  return [
    ...pathParameters(operation, schemas),
    ...queryParameters(operation, schemas),
    ...headerParameters(operation),
  ];
}

/** Returns the parameters that many operations share: name → parameter. */
export function sharedParameters(): Json {
  const query = Object.entries(LIST_PARAMETERS).map(([name, schema]) => [
    name,
    queryParameter(name, z.toJSONSchema(schema)),
  ]);
  const headers = Object.entries(HEADERS).map(([name, description]) => [
    name,
    { name, in: "header", description, schema: { type: "string" } },
  ]);
  return Object.fromEntries([...query, ...headers]);
}

function pathParameters(operation: Operation, schemas: Json): Json[] {
  return propertiesOf(operation.params, schemas).map(([name, schema]) => ({
    ...described(name, "path", schema),
    required: true,
  }));
}

function queryParameters(operation: Operation, schemas: Json): Json[] {
  if (operation.kind !== "list") {
    return propertiesOf(operation.query, schemas)
      .map(([name, schema]) => queryParameter(name, schema));
  }
  const { columns } = operation.of.parameters;
  const ofThisList = parametersOfList(operation.of, schemas);
  const named = parameterNames(operation).filter((name) => !Object.hasOwn(columns, name));
  return [
    ...named.map((name) =>
      name in ofThisList
        ? queryParameter(name, ofThisList[name] ?? {})
        : { $ref: `#/components/parameters/${name}` }
    ),
    ...Object.values(columns).flatMap(conditions),
  ];
}

/** Parameters whose values differ from list to list. */
function parametersOfList({ parameters }: Listing, schemas: Json): Record<string, Json> {
  const { fields, includes, filters, columns } = parameters;
  const sortable = Object.values(columns).filter((column) => column.sortable)
    .flatMap(({ name }) => [name, `-${name}`]);
  return {
    sort: listOf(sortable, "Fields to sort by, with `-` for descending order."),
    select: listOf(fields, "Fields to return. Default: all."),
    include: listOf(includes, "Related records to return with each record."),
    ...Object.fromEntries(
      Object.entries(filters).map(([name, { schema, description }]) => [
        name,
        { ...toSchema(schema, "input", schemas), description },
      ]),
    ),
  };
}

type Column = Listing["parameters"]["columns"][string];

/** `field` and every `field@op` of a column. */
function conditions({ name, kind, operators, type }: Column): Json[] {
  const value = type === "bigint" ? { type: "integer" } : VALUES[kind];
  const short = operators.some((operator) => operator === "eq" || operator === "cs")
    ? [{
      name,
      in: "query",
      description: `Where \`${name}\` ${SHORT[kind] ?? OPERATORS.eq}.`,
      schema: value,
    }]
    : [];
  const long = operators.map((operator) => ({
    name: `${name}@${operator}`,
    in: "query",
    description: `Where \`${name}\` ${OPERATORS[operator]}.`,
    ...valueOf(operator, value, type),
  }));
  return [...short, ...long];
}

const TEXT: Json = { type: "string" };
const NUMBERS: Json = { type: "array", items: { type: "integer" } };

/** Kind of a column → schema of a value in a condition. */
const VALUES: Record<Column["kind"], Json> = {
  number: { type: "number" },
  time: { type: "string", format: "date-time" },
  date: { type: "string", format: "date" },
  text: TEXT,
  long_text: TEXT,
  boolean: { type: "boolean" },
  uuid: { type: "string", format: "uuid" },
  ids: { type: "integer" },
  elements: TEXT,
  opaque: TEXT,
};

function valueOf(operator: Operator, value: Json, type: string): Json {
  if (operator === "is") {
    const boolean = type === "boolean" ? ["true", "false"] : [];
    return { schema: { type: "string", enum: ["null", "not.null", ...boolean] } };
  }
  if (operator === "in") return commaSeparated({ type: "array", items: value });
  if (operator === "cs" || operator === "cd" || operator === "ov") return commaSeparated(NUMBERS);
  return { schema: value };
}

function commaSeparated(schema: Json): Json {
  return { schema, style: "form", explode: false };
}

/** Kind of a column → what `field=value` asks of it, when it is not equality. */
const SHORT: Partial<Record<Column["kind"], string>> = {
  ids: "contains the value",
  elements: "has an element with the value",
};

function listOf(names: string[], description: string): Json {
  return { type: "array", items: { type: "string", enum: names }, description };
}

/** An array is sent as one parameter, with commas between its values. */
function queryParameter(name: string, schema: Json): Json {
  const { schema: rest, ...head } = described(name, "query", schema);
  return { ...head, ...(schema.type === "array" ? commaSeparated(rest) : { schema: rest }) };
}

/** Parameters that mean the same wherever they have no description of their own. */
const USUAL: Record<string, string> = {
  id: "Id of the record.",
  include: "Related records to return with the record.",
  dry_run: "Shows what would happen, and changes nothing.",
  limit: "Maximum number of records on a page.",
  cursor: "`next_cursor` of the previous page.",
};

/** The description stands on the parameter, where tools look for it. */
function described(name: string, place: "path" | "query", schema: Json) {
  const { description = USUAL[name], ...rest } = schema;
  return { name, in: place, ...(description !== undefined && { description }), schema: rest };
}

function headerParameters({ access, method, ifMatch }: Operation): Json[] {
  const names = [
    ...(access === "member" && method === "POST" ? ["Idempotency-Key"] : []),
    ...(ifMatch ? ["If-Match"] : []),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}
