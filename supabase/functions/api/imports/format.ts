/** The format of a file, found by its first bytes, and whether it is the one that was named. */
import type { Problem } from "../../_shared/problem.ts";
import { decode, detectEncoding } from "./encoding.ts";
import { invalidFile } from "./mapping.ts";
import { isJsonObject } from "./ndjson.ts";
import type { FORMATS } from "./schema.ts";

export type Format = (typeof FORMATS)[number];

/** A ZIP archive begins so (APPNOTE 4.3.7), and every workbook is one (ECMA-376, part 2). */
const ZIP = [0x50, 0x4b, 0x03, 0x04];
/** A compound file, such as a workbook of Excel 2003 (MS-CFB, 2.2). */
const COMPOUND_FILE = [0xd0, 0xcf, 0x11, 0xe0];
const LOOKED_AT = 10_000;

/**
 * Returns the format of a file: the named one, or the one that its first bytes show.
 * @throws Problem `invalid_file` when they show another format than the named one, or none that is read.
 */
export function formatOf(bytes: Uint8Array, named: Format | null): Format {
  const found = detectFormat(bytes);
  // A file of JSON lines may begin with a broken one.
  const fits = named === null || named === found || (named === "ndjson" && found === "csv") ||
    (named === "csv" && found === "ndjson" && !isJsonObject(firstLine(bytes)));
  if (fits) return named ?? found;
  throw invalidFile(
    `The file is ${NAMES[found]}, not ${NAMES[named]}. Leave format out, or send the other file.`,
  );
}

const NAMES: Record<Format, string> = {
  csv: "CSV or other text",
  ndjson: "NDJSON",
  xlsx: "an archive such as XLSX",
  vcard: "vCard",
};

function detectFormat(bytes: Uint8Array): Format {
  if (begins(bytes, ZIP)) return "xlsx";
  if (begins(bytes, COMPOUND_FILE)) throw oldWorkbook();
  const text = beginningOf(bytes);
  if (/^BEGIN:VCARD\s/i.test(text)) return "vcard";
  if (/^\[\s*\{/.test(text)) {
    throw invalidFile(
      "The file is one JSON array. Write each object on a line of its own, as NDJSON.",
    );
  }
  return text.startsWith("{") ? "ndjson" : "csv";
}

function oldWorkbook(): Problem {
  return invalidFile("Excel 97 to 2003 wrote this file. Save it as XLSX or CSV.");
}

function begins(bytes: Uint8Array, mark: number[]): boolean {
  return mark.every((byte, index) => bytes[index] === byte);
}

/** The beginning of a text file, without its byte order mark and white space. */
function beginningOf(bytes: Uint8Array): string {
  const { encoding, mark } = detectEncoding(bytes);
  return decode(bytes.subarray(mark, mark + LOOKED_AT), encoding, false).text.trimStart();
}

/** The first line, as far as it is looked at. */
function firstLine(bytes: Uint8Array): string {
  return beginningOf(bytes).split(/[\r\n]/, 1)[0] ?? "";
}
