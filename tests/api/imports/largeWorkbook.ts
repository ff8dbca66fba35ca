/**
 * Reads a workbook of nearly 20 MB, as a process of its own whose heap the test limits. Prints the
 * number of bytes of its CSV.
 */
import { strToU8, zipSync } from "fflate";
import { csvOfWorkbook } from "../../../supabase/functions/api/imports/xlsx.ts";

const ROWS = 25_000;

function workbook(): Uint8Array {
  const strings = Array.from({ length: ROWS }, (_, row) => `<si><t>Person number ${row}</t></si>`);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const cells = "ABCDEFGHIJ".split("").map((letter) =>
      `<c r="${letter}${row}" t="inlineStr"><is><t>${letter} ${row} text</t></is></c>`
    );
    return `<row r="${row}"><c r="A${row}" t="s"><v>${row}</v></c>${cells.slice(1).join("")}</row>`;
  });
  return zipSync({
    "xl/workbook.xml": strToU8("<workbook/>"),
    "xl/sharedStrings.xml": strToU8(`<sst>${strings.join("")}</sst>`),
    "xl/worksheets/sheet1.xml": strToU8(
      `<worksheet><sheetData>${rows.join("")}</sheetData></worksheet>`,
    ),
  });
}

if (import.meta.main) {
  if (Deno.args[0] === "write") {
    await new Blob([new Uint8Array(workbook())]).stream().pipeTo(Deno.stdout.writable);
  } else {
    const bytes = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
    let size = 0;
    for (const part of csvOfWorkbook(bytes)) size += part.length;
    console.log(size);
  }
}
