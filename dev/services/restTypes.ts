/**
 * The types of the REST server: it reads each value as `to_json` of PostgreSQL writes it, which is how
 * PostgREST answers. Lite's driver would show times as SQL, large numbers rounded or as strings, and
 * null in arrays as a string.
 * Source: https://www.postgresql.org/docs/current/functions-json.html
 */

type Parse = (text: string) => unknown;

/** A type of the driver: the oid that it sends, the oids that it reads, and both conversions. */
interface DriverType {
  to: number;
  from: number[];
  serialize(value: unknown): string;
  parse: Parse;
}

/** A scalar type: its oid, the oid of its array, and its JSON. */
interface Scalar {
  oid: number;
  array: number;
  parse: Parse;
  serialize?(value: unknown): string;
}

/**
 * JSON with the digits of numbers, which TypeScript does not know yet.
 * Source: https://tc39.es/proposal-json-parse-with-source/
 */
const json = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
};

const asText: Parse = (text) => text;

const SCALARS: Record<string, Scalar> = {
  bool: { oid: 16, array: 1000, parse: (text) => text === "t" },
  bytea: { oid: 17, array: 1001, parse: asText },
  bigint: { oid: 20, array: 1016, parse: numberJson },
  int2: { oid: 21, array: 1005, parse: numberJson },
  int4: { oid: 23, array: 1007, parse: numberJson },
  text: { oid: 25, array: 1009, parse: asText },
  json: { oid: 114, array: 199, parse: documentJson, serialize: JSON.stringify },
  float4: { oid: 700, array: 1021, parse: numberJson },
  float8: { oid: 701, array: 1022, parse: numberJson },
  bpchar: { oid: 1042, array: 1014, parse: asText },
  varchar: { oid: 1043, array: 1015, parse: asText },
  date: { oid: 1082, array: 1182, parse: asText },
  time: { oid: 1083, array: 1183, parse: asText },
  timestamp: { oid: 1114, array: 1115, parse: (text) => text.replace(" ", "T") },
  timestamptz: { oid: 1184, array: 1185, parse: timestampJson },
  interval: { oid: 1186, array: 1187, parse: asText },
  timetz: { oid: 1266, array: 1270, parse: asText },
  numeric: { oid: 1700, array: 1231, parse: numberJson },
  uuid: { oid: 2950, array: 2951, parse: asText },
  jsonb: { oid: 3802, array: 3807, parse: documentJson, serialize: JSON.stringify },
};

/** The types for the driver, with the arrays of each. */
export const REST_TYPES: Record<string, DriverType> = Object.fromEntries(
  Object.entries(SCALARS).flatMap(([name, { oid, array, parse, serialize = String }]) => [
    [name, { to: oid, from: [oid], serialize, parse }],
    [`_${name}`, {
      to: array,
      from: [array],
      serialize: (value: unknown) => arrayLiteral(value, serialize),
      parse: (text: string) => parseArray(text, parse),
    }],
  ]),
);

/** A number with the digits of the text. `NaN` and infinities are strings, as JSON has none. */
function numberJson(text: string): unknown {
  const value = Number(text);
  if (!Number.isFinite(value)) return text;
  return String(value) === text ? value : json.rawJSON(text);
}

function timestampJson(text: string): string {
  return text.replace(" ", "T").replace(/([+-]\d\d)( BC)?$/, "$1:00$2");
}

/** A document whose numbers keep their digits. */
function documentJson(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    return typeof value === "number" && source !== undefined ? numberJson(source) : value;
  });
}

/**
 * Reads an array literal.
 * Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
function parseArray(text: string, parse: Parse): unknown[] {
  const tokens = text.slice(text.indexOf("{")).matchAll(/[{}]|"((?:[^"\\]|\\.)*)"|[^{},"]+/gs);
  const result: unknown[] = [];
  const open = [result];
  for (const [token, quoted] of tokens) {
    if (token === "{") open.push([]);
    else if (token === "}") {
      const closed = open.pop();
      open.at(-1)?.push(closed);
    } else if (quoted !== undefined) open.at(-1)?.push(parse(quoted.replace(/\\(.)/gs, "$1")));
    else open.at(-1)?.push(token === "NULL" ? null : parse(token));
  }
  return result.flat(1);
}

/** Writes an array literal. Text is one already. */
function arrayLiteral(value: unknown, serialize: (element: unknown) => string): string {
  if (!Array.isArray(value)) return String(value);
  const elements = value.map((element) => {
    if (element === null) return "NULL";
    if (Array.isArray(element) && serialize === String) return arrayLiteral(element, serialize);
    return `"${serialize(element).replace(/["\\]/g, "\\$&")}"`;
  });
  return `{${elements.join(",")}}`;
}
