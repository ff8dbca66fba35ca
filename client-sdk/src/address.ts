/** Encodes path segments and query parameters. */

/** A value of a query parameter. An array is sent as `a,b`. An undefined value is not sent. */
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
 * Template tag that returns a path. Each value becomes exactly one encoded segment.
 * Throws TypeError for an empty value, `.` and `..`, which would change the path.
 */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((whole, part, index) => whole + segment(values[index - 1]) + part);
}

function segment(value: string | number | undefined): string {
  const text = String(value ?? "");
  if (text === "" || text === "." || text === "..") {
    throw new TypeError(`"${text}" is not an id. Pass the id of a record.`);
  }
  return encodeURIComponent(text);
}

/** Returns the query string with its `?`; "" for an empty query. */
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
  return isList(value) ? value.map(quoteIfNeeded).join(",") : String(value);
}

/** `Array.isArray` does not narrow a readonly array. */
function isList(value: QueryValue): value is readonly (string | number)[] {
  return Array.isArray(value);
}

/**
 * Quotes a value that contains a comma, a quote or a parenthesis, or begins or ends with a space.
 */
function quoteIfNeeded(value: string | number): string {
  const text = String(value);
  if (text !== "" && /^[^\s",()\\]([^",()\\]*[^\s",()\\])?$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
