/**
 * Reads a file in blocks: a block of bytes becomes whole rows, and the position after them. The
 * position is in bytes, so that a part of the file can be read without the parts before it.
 */
import { BrokenLine } from "./brokenLine.ts";
import { CARD_COLUMNS, readCards } from "./cards.ts";
import { columnsOfNdjson, readNdjson } from "./ndjson.ts";
import { decode, detectEncoding, type Encoding } from "./encoding.ts";
import { type CsvLayout, detectLayout, readCsv, type Rows } from "./csv.ts";
import type { Problem } from "../../_shared/problem.ts";
import { invalidFile } from "./mapping.ts";

/** Bytes of a block. A row must fit into it. */
export const BLOCK_BYTES = 1_048_576;

/** The formats that are read in blocks. A workbook becomes CSV before. */
export type TextFormat = "csv" | "ndjson" | "vcard";

/** How a file is written, and where its rows begin. */
export interface Layout extends CsvLayout {
  format: TextFormat;
  encoding: Encoding;
  start: number;
  headers: string[];
}

/** Rows of a file, and the position of the row after them. */
export interface Block {
  rows: unknown[][];
  position: number;
}

/**
 * Finds the layout of a file from its first block.
 * @throws Problem `invalid_file` for a file that is empty, binary, or has too long a line.
 */
export function readLayout(
  bytes: Uint8Array,
  format: TextFormat,
  isLast: boolean,
): Layout {
  const { encoding, mark } = detectEncoding(bytes);
  const { text, bytesOf } = decode(bytes.subarray(mark), encoding, isLast);
  if (text.trim() === "") throw invalidFile("The file is empty.");
  if (text.slice(0, 1_000).includes("\0")) {
    throw invalidFile("The file is not text. Save it as CSV or XLSX.");
  }
  if (format === "ndjson") {
    const headers = columnsOfNdjson(text);
    if (headers.length === 0) throw invalidFile("The file has no line with a JSON object.");
    return { format, encoding, start: mark, headers, delimiter: ",", newline: "\n" };
  }
  if (format === "vcard") {
    const headers = CARD_COLUMNS;
    return { format, encoding, start: mark, headers, delimiter: ",", newline: "\n" };
  }
  const layout = detectLayout(text);
  const { rows: [headers], length } = readCsv(text, layout, 1, isLast);
  if (!headers) throw tooLong(1);
  if (headers[0] instanceof BrokenLine) throw invalidFile(`The header: ${headers[0].reason}`);
  return {
    ...layout,
    format,
    encoding,
    headers: headers.map((header) => String(header).trim()),
    start: mark + bytesOf(text.slice(0, length)),
  };
}

/** Reads at most `limit` whole rows from a block of bytes that begins at `position`. */
export function readBlock(
  bytes: Uint8Array,
  layout: Layout,
  { position, limit, isLast }: {
    position: number;
    limit: number;
    isLast: boolean;
  },
): Block {
  const { text, bytesOf } = decode(bytes, layout.encoding, isLast);
  const { rows, length } = readRows(text, layout, limit, isLast);
  const consumed = length >= text.length && isLast ? bytes.length : bytesOf(text.slice(0, length));
  return { rows, position: position + consumed };
}

function readRows(text: string, layout: Layout, limit: number, isLast: boolean): Rows {
  if (layout.format === "vcard") return readCards(text, limit, isLast);
  return layout.format === "csv"
    ? readCsv(text, layout, limit, isLast)
    : readNdjson(text, layout.headers, limit, isLast);
}

/** Returns the problem of a row that is longer than a block. */
export function tooLong(number: number): Problem {
  return invalidFile(
    `Row ${number} is longer than 1 MB. Check whether a quotation mark is missing before it, or ` +
      "whether it has a photo.",
  );
}
