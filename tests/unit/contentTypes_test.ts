/** Names and first bytes of files, by content type. */
import { assert, assertEquals } from "@std/assert";
import {
  CONTENT_TYPES,
  fitsContent,
  fitsName,
} from "../../supabase/functions/api/attachments/contentTypes.ts";

/** One byte per character. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const BEGINNINGS: Record<string, string[]> = {
  "application/pdf": ["%PDF-1.7"],
  "application/zip": ["PK\x03\x04rest", "PK\x05\x06"],
  "application/msword": ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
  "audio/mpeg": ["ID3", "\xff\xfb"],
  "audio/wav": ["RIFF\x00\x00\x00\x00WAVE"],
  "image/gif": ["GIF87a", "GIF89a"],
  "image/jpeg": ["\xff\xd8\xff\xe0"],
  "image/png": ["\x89PNG\r\n\x1a\n"],
  "image/webp": ["RIFF\x00\x00\x00\x00WEBP"],
  "text/plain": ["Zo\xc3\xab < 7", "\xff\xfeZ\x00", "a\tb\r\n"],
  "video/mp4": ["\x00\x00\x00\x18ftypisom"],
  "video/quicktime": ["\x00\x00\x00\x08moov"],
  "video/webm": ["\x1a\x45\xdf\xa3"],
};

Deno.test("fitsContent recognises each type by its first bytes, and refuses content of other types", () => {
  for (const [type, beginnings] of Object.entries(BEGINNINGS)) {
    for (const text of beginnings) assert(fitsContent(type, bytes(text)), `${type}: ${text}`);
    assertEquals(fitsContent(type, bytes("")), false, type);
    assertEquals(fitsContent(type, bytes("\x00\x01\x02\x03")), false, type);
  }
  assertEquals(fitsContent("application/pdf", bytes("\x89PNG\r\n\x1a\n")), false);
  assertEquals(fitsContent("image/png", bytes("%PDF-1.7")), false);
  assertEquals(fitsContent("audio/wav", bytes("RIFF\x00\x00\x00\x00WEBP")), false);
});

Deno.test("fitsContent refuses markup that a browser runs under every text type", () => {
  const markup = ["<html>", "  <SCRIPT>x", "<!doctype html>", "<?xml ?><svg>", "<svg onload=x>"];
  for (const text of [...markup, "\xef\xbb\xbf<script>", "<!-- --><img>"]) {
    for (const type of ["text/plain", "text/csv", "text/markdown", "application/json"]) {
      assertEquals(fitsContent(type, bytes(text)), false, `${type}: ${text}`);
    }
  }
});

Deno.test("no allowed type is one that a browser runs", () => {
  for (const type of ["text/html", "image/svg+xml", "text/javascript", "application/xml", ""]) {
    assertEquals(CONTENT_TYPES.has(type), false, type);
    assertEquals(fitsContent(type, bytes("text")), false, type);
    assertEquals(fitsName(type, "a.txt"), false, type);
  }
});

Deno.test("fitsName checks only the last extension, in any case", () => {
  for (const name of ["a.pdf", "a.b.PDF", ".pdf"]) assert(fitsName("application/pdf", name), name);
  for (const name of ["pdf", "a.pdf.html", "a.pdf ", "a.", ""]) {
    assertEquals(fitsName("application/pdf", name), false, name);
  }
});
