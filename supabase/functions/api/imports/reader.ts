/**
 * Reads a file in blocks: a block of bytes becomes whole rows, and the position after them. The
 * position is in bytes, so that a part of the file can be read without the parts before it.
 */
import { columnsOfNdjson, readNdjson } from "./ndjson.ts";
import { decode, detectEncoding, type Encoding } from "./encoding.ts";
import { type CsvLayout, detectLayout, readCsv, type Rows } from "./csv.ts";
import { invalidFile } from "./mapping.ts";

/** Bytes of a block. A row must fit into it. */
export const BLOCK_BYTES = 1_048_576;

/** How a file is written, and where its rows begin. */
export interface Layout extends CsvLayout {
  format: "csv" | "ndjson";
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
  format: "csv" | "ndjson",
  isLast: boolean,
): Layout {
  const { encoding, mark } = detectEncoding(bytes);
  const { text, bytesOf } = decode(bytes.subarray(mark), encoding, isLast);
  if (text.trim() === "") throw invalidFile("The file is empty.");
  if (text.slice(0, 1_000).includes("\0")) {
    throw invalidFile("The file is not text. Save it as CSV, or name its format.");
  }
  if (format === "ndjson") {
    const headers = columnsOfNdjson(text);
    if (headers.length === 0) throw invalidFile("The file has no line with a JSON object.");
    return { format, encoding, start: mark, headers, delimiter: ",", newline: "\n" };
  }
  const layout = detectLayout(text);
  const { rows: [headers], length } = readCsv(text, layout, 1, isLast);
  if (!headers) throw tooLong(1);
  return {
    ...layout,
    format,
    encoding,
    headers: headers.map((header) => header.trim()),
    start: mark + bytesOf(text.slice(0, length)),
  };
}

/**
 * Reads at most `limit` rows from a block of bytes that begins at `position`.
 * @param number the number of the row before the block, for the message.
 * @throws Problem `invalid_file` when a row is longer than a block.
 */
export function readBlock(
  bytes: Uint8Array,
  layout: Layout,
  { position, number, limit, isLast }: {
    position: number;
    number: number;
    limit: number;
    isLast: boolean;
  },
): Block {
  const { text, bytesOf } = decode(bytes, layout.encoding, isLast);
  const { rows, length } = readRows(text, layout, limit, isLast);
  if (rows.length === 0 && !isLast) throw tooLong(number + 1);
  const consumed = length >= text.length && isLast ? bytes.length : bytesOf(text.slice(0, length));
  return { rows, position: position + consumed };
}

function readRows(text: string, layout: Layout, limit: number, isLast: boolean): Rows {
  return layout.format === "csv"
    ? readCsv(text, layout, limit, isLast)
    : readNdjson(text, layout.headers, limit, isLast);
}

function tooLong(number: number) {
  return invalidFile(
    `Row ${number} is longer than 1 MB. Check whether a quotation mark is missing before it.`,
  );
}
