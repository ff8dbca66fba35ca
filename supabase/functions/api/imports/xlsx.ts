/**
 * XLSX: reads the first sheet of a workbook (ECMA-376, part 1, chapter 18). fflate unpacks the parts
 * and saxen parses their XML. The unpacked size is bounded before anything is unpacked.
 */
import { unzipSync } from "fflate";
import { Parser } from "saxen";
import { writeCsv } from "./csv.ts";
import { invalidFile } from "./mapping.ts";
import { MAXIMUM_COLUMNS } from "./schema.ts";

/** Bytes of the unpacked parts together, about 1 second of CPU, and of the CSV. */
const MAXIMUM_UNPACKED = 20_000_000;
const MAXIMUM_CELLS = 500_000;
/** Bytes of XML that are parsed at once. */
const PIECE_BYTES = 65_536;
/** Characters of the XML of a row. */
const MAXIMUM_ELEMENT = 2_000_000;
/** Characters of CSV that are returned at once. */
const PART_LENGTH = 1_000_000;

/**
 * Returns the first sheet as parts of a CSV file. Dates are written in ISO 8601. Only the unpacked
 * sheet, the shared strings and one part are in memory at a time.
 * @throws Problem `invalid_file` for a file that is no workbook, or too large when unpacked.
 */
export function* csvOfWorkbook(bytes: Uint8Array): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const rows of sheetOf(bytes)) {
    if (rows.length > 0) text += `${writeCsv(rows)}\r\n`;
    if (text.length < PART_LENGTH) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

function* sheetOf(bytes: Uint8Array): Generator<string[][]> {
  const unpack = unpacker(bytes);
  const workbook = textOf(unpack("xl/workbook.xml"));
  const path = firstSheet(workbook, textOf(unpack("xl/_rels/workbook.xml.rels")));
  const strings = sharedStrings(unpack("xl/sharedStrings.xml"));
  const dates = dateStyles(textOf(unpack("xl/styles.xml")));
  const since1904 = /<(?:\w+:)?workbookPr[^>]*date1904="(?:1|true)"/.test(workbook);
  const sheet = unpack(path);
  if (!sheet) throw invalidFile("The file is no XLSX workbook with a sheet.");
  yield* sheetRows(sheet, { strings, dates, since1904 });
}

/** Returns the function that unpacks one part. fflate never writes more than the archive announces. */
function unpacker(bytes: Uint8Array): (path: string) => Uint8Array | undefined {
  let total = 0;
  return (path) => {
    try {
      const parts = unzipSync(bytes, {
        filter: ({ name, originalSize }) => {
          if (name !== path) return false;
          total += originalSize;
          if (total > MAXIMUM_UNPACKED) throw new RangeError("too large");
          return true;
        },
      });
      return parts[path];
    } catch (error) {
      throw error instanceof RangeError ? tooLarge() : invalidFile("The file is no XLSX workbook.");
    }
  };
}

function tooLarge() {
  return invalidFile("The workbook is too large. Save it as CSV, then import that file.");
}

function textOf(part: Uint8Array | undefined): string {
  return part ? new TextDecoder().decode(part) : "";
}

/** Splits a part into pieces of whole elements. Each piece is XML of its own. */
function* piecesOf(bytes: Uint8Array, element: "si" | "row"): Generator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let end = "";
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    rest += decoder.decode(bytes.subarray(start, start + PIECE_BYTES), { stream: true });
    if (end === "") {
      const first = new RegExp(`<((?:\\w+:)?${element})[\\s/>]`).exec(rest);
      rest = first ? rest.slice(first.index) : rest.slice(-100);
      if (!first) continue;
      end = `</${first[1]}>`;
    }
    const whole = rest.lastIndexOf(end) + end.length;
    if (whole >= end.length) {
      yield `<part>${rest.slice(0, whole)}</part>`;
      rest = rest.slice(whole);
    } else if (rest.length > MAXIMUM_ELEMENT) throw tooLarge();
  }
  // Behind the last element with a content are empty ones, or what is broken.
  const [remaining = ""] = rest.split(/<\/(?:\w+:)?(?:sheetData|sst)\s*>/, 1);
  if (end !== "" && remaining.trim() !== "") yield `<part>${remaining}</part>`;
}

/** The path of the sheet that the workbook names first. */
function firstSheet(workbook: string, relations: string): string {
  let relation: string | undefined;
  parse(workbook, {
    open: (name, attributes) => {
      if (name === "sheet") relation ??= attributes["r:id"];
    },
  });
  let path = "xl/worksheets/sheet1.xml";
  parse(relations, {
    open: (name, { Id, Target }) => {
      if (name === "Relationship" && Id === relation && Target) {
        path = Target.startsWith("/") ? Target.slice(1) : `xl/${Target}`;
      }
    },
  });
  return path;
}

interface Handlers {
  open?(name: string, attributes: Record<string, string | undefined>): void;
  text?(text: string): void;
  close?(name: string): void;
}

function parse(xml: string, { open, text, close }: Handlers): void {
  // A workbook may have no styles and no shared strings.
  if (xml === "") return;
  const parser = new Parser();
  const local = (name: string) => name.slice(name.indexOf(":") + 1);
  parser.on("openTag", (name: string, attributesOf: () => Record<string, string>) => {
    open?.(local(name), attributesOf());
  });
  parser.on("text", (value: string, decode: (value: string) => string) => text?.(decode(value)));
  parser.on("closeTag", (name: string) => close?.(local(name)));
  parser.on("error", () => {
    throw invalidFile("The workbook has a part that is not valid XML.");
  });
  parser.parse(xml);
}

/** The texts that cells refer to by number. A text may consist of runs; phonetic ones are left out. */
function sharedStrings(part: Uint8Array | undefined): string[] {
  const strings: string[] = [];
  let current = "";
  let isText = false;
  let isPhonetic = false;
  const handlers: Handlers = {
    open: (name) => {
      if (name === "si") current = "";
      if (name === "t") isText = true;
      if (name === "rPh") isPhonetic = true;
    },
    text: (text) => {
      if (isText && !isPhonetic) current += text;
    },
    close: (name) => {
      if (name === "t") isText = false;
      if (name === "rPh") isPhonetic = false;
      if (name === "si") strings.push(current);
    },
  };
  if (part) { for (const piece of piecesOf(part, "si")) parse(piece, handlers); }
  return strings;
}

/** Numbers of the built-in formats that are dates or times. */
const DATE_FORMATS = new Set([14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 46, 47]);

/** The numbers of the cell styles that show a date. */
function dateStyles(xml: string): Set<number> {
  const formats = new Set(DATE_FORMATS);
  const styles = new Set<number>();
  let isCellStyle = false;
  let number = 0;
  parse(xml, {
    open: (name, { numFmtId, formatCode = "" }) => {
      const bare = formatCode.replace(/"[^"]*"|\\.|\[[^\]]*\]/g, "");
      if (name === "numFmt" && /[dmyhs]/i.test(bare)) formats.add(Number(numFmtId));
      if (name === "cellXfs") isCellStyle = true;
      if (name === "xf" && isCellStyle) {
        if (formats.has(Number(numFmtId))) styles.add(number);
        number++;
      }
    },
    close: (name) => {
      if (name === "cellXfs") isCellStyle = false;
    },
  });
  return styles;
}

interface SheetCell {
  column: number;
  type: string;
  style: number;
  text: string;
}

/** What the cells of a sheet refer to. */
interface References {
  strings: string[];
  /** Numbers of the styles that show a date. */
  dates: Set<number>;
  since1904: boolean;
}

/** Returns the rows of a sheet, some at a time. */
function* sheetRows(sheet: Uint8Array, references: References): Generator<string[][]> {
  let rows: string[][] = [];
  let row: string[] = [];
  let cell: SheetCell | undefined;
  let isValue = false;
  const count = createCounter();
  const handlers: Handlers = {
    open: (name, { r, t = "n", s = "0" }) => {
      if (name === "row") row = [];
      if (name === "c") {
        cell = { column: columnOf(r, row.length), type: t, style: Number(s), text: "" };
      }
      if (name === "v" || name === "t") isValue = true;
    },
    text: (text) => {
      if (cell && isValue) cell.text += text;
    },
    close: (name) => {
      if (name === "v" || name === "t") isValue = false;
      if (name === "row") rows.push(row);
      if (name === "row") count(0, 1);
      if (name !== "c" || !cell) return;
      const text = textOfCell(cell, references);
      count(cell.column, text.length + Math.max(1, cell.column - row.length));
      while (row.length < cell.column) row.push("");
      row[cell.column] = text;
      cell = undefined;
    },
  };
  for (const piece of piecesOf(sheet, "row")) {
    parse(piece, handlers);
    yield rows;
    rows = [];
  }
}

/** Returns the function that counts a cell, or the end of a row, and its characters in the CSV. */
function createCounter(): (column: number, length: number) => void {
  let cells = 0;
  let total = 0;
  return (column, length) => {
    cells++;
    total += length;
    if (cells > MAXIMUM_CELLS || column > MAXIMUM_COLUMNS) {
      throw invalidFile("The sheet has too many cells. Save it as CSV, then import that file.");
    }
    // One shared string may be the text of many cells.
    if (total > MAXIMUM_UNPACKED) throw tooLarge();
  };
}

/** `C7` → 2. A cell without a reference follows the one before. */
function columnOf(reference: string | undefined, next: number): number {
  const [letters] = /^[A-Z]{1,4}/.exec(reference ?? "") ?? [];
  if (!letters) return next;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function textOfCell(
  { type, style, text }: SheetCell,
  { strings, dates, since1904 }: References,
): string {
  if (type === "s") return strings[Number(text)] ?? "";
  if (type === "b") return text === "1" ? "true" : "false";
  if (type === "e") return "";
  if (type !== "n" || text === "" || !dates.has(style)) return text;
  return dateOf(Number(text), since1904) ?? text;
}

const DAY_MS = 86_400_000;

/** Days since 30 December 1899, which makes up for the day that Excel counts too many in 1900. */
function dateOf(days: number, since1904: boolean): string | undefined {
  const base = since1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30);
  const date = new Date(base + Math.round(days * DAY_MS));
  if (Number.isNaN(date.getTime())) return undefined;
  const text = date.toISOString();
  return Number.isInteger(days) ? text.slice(0, 10) : text;
}
