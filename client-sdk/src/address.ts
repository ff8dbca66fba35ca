/** Addresses: path segments and query parameters, encoded. */

/** A value of a query parameter; a list of values is sent as `a,b`, undefined is not sent. */
export type QueryValue =
  | string
  | number
  | boolean
  | Date
  | null
  | undefined
  | readonly (string | number)[];
export type Query = { readonly [name: string]: QueryValue };

/**
 * Tag for templates that builds a path: each value becomes exactly one segment.
 * Throws TypeError for an empty one and for `.` and `..`, which would lead to another address.
 */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((whole, part, index) => whole + segment(values[index - 1]) + part);
}

function segment(value: string | number | undefined): string {
  const text = String(value ?? "");
  if (text === "" || text === "." || text === "..") {
    throw new TypeError(`"${text}" is not an id. Give the id of a record.`);
  }
  return encodeURIComponent(text);
}

/** The query as text with its `?`; "" when nothing is in it. */
export function queryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, textOf(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function textOf(value: Exclude<QueryValue, undefined>): string {
  if (value instanceof Date) return value.toISOString();
  return isList(value) ? value.map(quoted).join(",") : String(value);
}

/** `Array.isArray` alone does not narrow a readonly array. */
function isList(value: QueryValue): value is readonly (string | number)[] {
  return Array.isArray(value);
}

/** Quotes keep a comma, a parenthesis or a space at the edge inside a value of a list. */
function quoted(value: string | number): string {
  const text = String(value);
  if (text !== "" && /^[^\s",()\\]([^",()\\]*[^\s",()\\])?$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
