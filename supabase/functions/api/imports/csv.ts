/**
 * CSV: finds the delimiter and the line end of a file, and reads complete rows from a part of it.
 * Papa Parse does the parsing (RFC 4180).
 */
// @ts-types="./papaparse.d.ts"
import Papa from "papaparse";
import { BrokenLine } from "./brokenLine.ts";

/** How a CSV file is written. */
export interface CsvLayout {
  delimiter: string;
  newline: "\r\n" | "\n" | "\r";
}

/** Rows, and the number of characters that they take up. */
export interface Rows<Cell = unknown> {
  rows: Cell[][];
  length: number;
}

const DELIMITERS = [",", ";", "\t"];

/** Finds the layout from the beginning of a file. A file of one column has commas. */
export function detectLayout(text: string): CsvLayout {
  const { meta, data } = Papa.parse(text.slice(0, 100_000), {
    preview: 20,
    delimitersToGuess: DELIMITERS,
    skipEmptyLines: true,
  });
  const found = DELIMITERS.includes(meta.delimiter) && (data[0]?.length ?? 0) > 1;
  return { delimiter: found ? meta.delimiter : ",", newline: newlineOf(text) };
}

/** The first line end outside quotes. A row with its other line ends would be a part of a cell. */
function newlineOf(text: string): CsvLayout["newline"] {
  const unquoted = text.slice(0, 100_000).replace(/"[^"]*"/g, "");
  const [found = "\n"] = /\r\n|\n|\r/.exec(unquoted) ?? [];
  return found === "\r\n" || found === "\r" ? found : "\n";
}

/**
 * Reads at most `limit` rows from the beginning of a text. The last row is left out unless the text
 * is the end of the file, because it may be incomplete.
 */
export function readCsv(
  text: string,
  { delimiter, newline }: CsvLayout,
  limit: number,
  isLast: boolean,
): Rows<string | BrokenLine> {
  // The fast mode ignores `preview` by one row.
  const parser = new Papa.Parser({ delimiter, newline, preview: limit, fastMode: false });
  const { data, errors, meta } = parser.parse(text, 0, !isLast);
  const rows: (string | BrokenLine)[][] = data;
  for (const { type, row = -1 } of errors) {
    const cells = data[row];
    if (type === "Quotes" && cells) {
      rows[row] = [new BrokenLine(cells.join(delimiter), WRONG_QUOTES)];
    }
  }
  // After the last line end the parser finds an empty row.
  if (isLast && data.at(-1)?.join("") === "" && data.at(-1)?.length === 1) data.pop();
  return { rows, length: meta.cursor };
}

/** Papa Parse reads the following lines as a part of such a cell. */
const WRONG_QUOTES =
  "A quotation mark is not closed, or is not doubled inside its cell. The lines " +
  "behind it were read as a part of it.";

/** Writes rows as CSV, for files of other formats that become CSV before they are imported. */
export function writeCsv(rows: unknown[][]): string {
  return Papa.unparse(rows, { newline: "\r\n" });
}
