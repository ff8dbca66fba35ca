/**
 * XLSX: reads the first sheet of a workbook (ECMA-376, part 1, chapter 18). fflate unpacks the parts
 * and saxen parses their XML. The unpacked size is bounded before anything is unpacked.
 */
import { unzipSync } from "fflate";
import { Parser } from "saxen";
import { invalidFile } from "./mapping.ts";
import { MAXIMUM_COLUMNS } from "./schema.ts";

/**
 * Bytes of the unpacked parts: about 1 second of CPU, and 150 MB of memory. fflate never writes more than
 * the archive announces.
 */
const MAXIMUM_UNPACKED = 20_000_000;
const MAXIMUM_CELLS = 500_000;

/**
 * Returns the rows of the first sheet as text. Dates are written in ISO 8601.
 * @throws Problem `invalid_file` for a file that is no workbook, or too large when unpacked.
 */
export function readWorkbook(bytes: Uint8Array): string[][] {
  const parts = unpack(bytes);
  const sheet = parts.get(firstSheet(parts));
  if (!sheet) throw invalidFile("The file is no XLSX workbook with a sheet.");
  const strings = sharedStrings(parts.get("xl/sharedStrings.xml") ?? "");
  const workbook = parts.get("xl/workbook.xml") ?? "";
  const since1904 = /<(?:\w+:)?workbookPr[^>]*date1904="(?:1|true)"/.test(workbook);
  return sheetRows(sheet, strings, dateStyles(parts.get("xl/styles.xml") ?? ""), since1904);
}

const NEEDED =
  /^xl\/(workbook\.xml|_rels\/workbook\.xml\.rels|sharedStrings\.xml|styles\.xml|worksheets\/[^/]+\.xml)$/;

function unpack(bytes: Uint8Array): Map<string, string> {
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!NEEDED.test(name)) return false;
        total += originalSize;
        if (total > MAXIMUM_UNPACKED) throw new RangeError("too large");
        return true;
      },
    });
    const decoder = new TextDecoder();
    return new Map(Object.entries(files).map(([name, part]) => [name, decoder.decode(part)]));
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    throw invalidFile(
      isTooLarge
        ? "The workbook is too large. Save it as CSV, then import that file."
        : "The file is no XLSX workbook.",
    );
  }
}

/** The path of the sheet that the workbook names first. */
function firstSheet(parts: Map<string, string>): string {
  let relation: string | undefined;
  parse(parts.get("xl/workbook.xml") ?? "", {
    open: (name, attributes) => {
      if (name === "sheet") relation ??= attributes["r:id"];
    },
  });
  let path = "xl/worksheets/sheet1.xml";
  parse(parts.get("xl/_rels/workbook.xml.rels") ?? "", {
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
function sharedStrings(xml: string): string[] {
  const strings: string[] = [];
  let current = "";
  let isText = false;
  let isPhonetic = false;
  parse(xml, {
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
  });
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

function sheetRows(
  xml: string,
  strings: string[],
  dates: Set<number>,
  since1904: boolean,
): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell: SheetCell | undefined;
  let isValue = false;
  let cells = 0;
  parse(xml, {
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
      if (name !== "c" || !cell) return;
      if (++cells > MAXIMUM_CELLS || cell.column > MAXIMUM_COLUMNS) {
        throw invalidFile("The sheet has too many cells. Save it as CSV, then import that file.");
      }
      while (row.length < cell.column) row.push("");
      row[cell.column] = textOfCell(cell, strings, dates, since1904);
      cell = undefined;
    },
  });
  return rows;
}

/** `C7` → 2. A cell without a reference follows the one before. */
function columnOf(reference: string | undefined, next: number): number {
  const [letters] = /^[A-Z]{1,4}/.exec(reference ?? "") ?? [];
  if (!letters) return next;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function textOfCell(
  { type, style, text }: SheetCell,
  strings: string[],
  dates: Set<number>,
  since1904: boolean,
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
