/** Encodes path segments and query parameters. */

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
    throw new TypeError(`"${text}" is not the id of a record.`);
  }
  return encodeURIComponent(text);
}

/**
 * Returns the query string with its `?`; "" for an empty query. An array is sent as `a,b`. The
 * members of an object are conditions: `{ last_seen: { gte: time } }` is sent as
 * `last_seen@gte=…`. An undefined value is not sent.
 */
export function queryString(query: object): string {
  const parameters = new URLSearchParams();
  const append = (name: string, value: unknown) => {
    if (value === undefined) return;
    if (value === null) parameters.append(name, name.endsWith("@is") ? "null" : "is.null");
    else if (isConditions(value)) {
      for (const [operator, operand] of Object.entries(value)) {
        append(`${name}@${operator}`, operand);
      }
    } else parameters.append(name, textOf(value));
  };
  for (const [name, value] of Object.entries(query)) append(name, value);
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function isConditions(value: unknown): value is object {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.map(quoteIfNeeded).join(",") : String(value);
}

/**
 * Quotes a value that contains a comma, a quote, a parenthesis or a space.
 */
function quoteIfNeeded(value: unknown): string {
  const text = String(value);
  if (/^[^\s",()\\]+$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
