/**
 * Dates of imported files. A date such as 03/04/2026 has two meanings: its column needs a
 * `date_format`, unless another date of the column shows which part is the day. Times without a
 * zone are UTC.
 */

export const DATE_FORMATS = ["day_first", "month_first"] as const;
export type DateFormat = (typeof DATE_FORMATS)[number];

const TIME = String
  .raw`(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*([AaPp]\.?[Mm]\.?)?)?`;
const ZONE = String.raw`\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})${TIME}${ZONE}$`);
const NUMBERS = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${TIME}${ZONE}$`);
const DAY_NAME = new RegExp(
  String.raw`^(\d{1,2})[. -]+([A-Za-z]{3,9})[. ,-]+(\d{4})${TIME}${ZONE}$`,
);
const NAME_DAY = new RegExp(String.raw`^([A-Za-z]{3,9})[. ]+(\d{1,2})[, ]+(\d{4})${TIME}${ZONE}$`);
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** What the dates of a column show about its format. */
export type Evidence = DateFormat | "ambiguous" | "none";

/**
 * Returns the format that dates of a column prove, `ambiguous` when they prove none or both, and
 * `none` when they need no format.
 */
export function dateEvidence(values: string[]): Evidence {
  const parts = values.flatMap((value) => {
    const match = NUMBERS.exec(value.trim());
    return match && match[2] !== "." ? [[Number(match[1]), Number(match[3])]] : [];
  });
  if (parts.length === 0) return "none";
  const dayFirst = parts.some(([first = 0]) => first > 12);
  const monthFirst = parts.some(([, second = 0]) => second > 12);
  if (dayFirst === monthFirst) return "ambiguous";
  return dayFirst ? "day_first" : "month_first";
}

/**
 * Returns a time in RFC 3339. Returns undefined for a text that is no date, and `ambiguous` for one
 * with two meanings.
 */
export function readDate(text: string, format?: DateFormat): string | "ambiguous" | undefined {
  const value = text.trim();
  let match = YEAR_FIRST.exec(value);
  if (match) return timeOf(match[1], match[2], match[3], match.slice(4));
  match = NUMBERS.exec(value);
  if (match) return readNumbers(match, format);
  match = DAY_NAME.exec(value);
  if (match) return timeOf(match[3], monthNumber(match[2]), match[1], match.slice(4));
  match = NAME_DAY.exec(value);
  return match ? timeOf(match[3], monthNumber(match[1]), match[2], match.slice(4)) : undefined;
}

function readNumbers(match: RegExpExecArray, format?: DateFormat): string | undefined {
  const [, first, separator, second, year] = match;
  // With dots the day is first, in every country that writes dates with dots.
  const known = format ?? (separator === "." ? "day_first" : undefined);
  if (!known && first !== second) return "ambiguous";
  const [day, month] = known === "month_first" ? [second, first] : [first, second];
  return timeOf(year, month, day, match.slice(5));
}

function monthNumber(name = ""): string {
  return String(MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1);
}

type Part = string | undefined;

/** Returns undefined for a day or an hour that does not exist, such as 31 February. */
function timeOf(year: Part, month: Part, day: Part, rest: Part[]): string | undefined {
  const [hours = "0", minutes = "0", seconds = "0", fraction, half, zone = "Z"] = rest;
  const isAfternoon = half?.toLowerCase().startsWith("p");
  const hour = half ? Number(hours) % 12 + (isAfternoon ? 12 : 0) : Number(hours);
  const two = (part: unknown) => String(part).padStart(2, "0");
  const date = `${year}-${two(month)}-${two(day)}`;
  const time = `${two(hour)}:${two(minutes)}:${two(seconds)}`;
  const isReal = !Number.isNaN(Date.parse(`${date}T${time}Z`)) &&
    new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
  if (!isReal) return undefined;
  return `${date}T${time}${fraction ? `.${fraction.slice(0, 6)}` : ""}${offsetOf(zone)}`;
}

function offsetOf(zone: string): string {
  if (!/^[+-]/.test(zone)) return "Z";
  return zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
}
