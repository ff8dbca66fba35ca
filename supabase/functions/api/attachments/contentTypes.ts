/**
 * The file types that a note may have as attachments: the endings of their names and the first bytes of
 * their content. Types that a browser executes (HTML, SVG, scripts) are excluded.
 *
 * The first bytes decide, so that a large file is not read in full. Packages that detect types read whole
 * archives for the office formats. Source: https://mimesniff.spec.whatwg.org/
 */

interface ContentType {
  endings: string[];
  begins(bytes: Uint8Array): boolean;
}

/** Number of bytes at the beginning of a file that `fitsContent` needs. */
export const DECIDING_BYTES = 4_096;

const zip = starts("PK\x03\x04", "PK\x05\x06");
const compoundFile = starts("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
const office = "application/vnd.openxmlformats-officedocument";
const openDocument = "application/vnd.oasis.opendocument";
const matroska = starts("\x1a\x45\xdf\xa3");
const mpeg4 = (bytes: Uint8Array) => textAt(bytes, 4, 4) === "ftyp";

const TYPES: Record<string, ContentType> = {
  "application/json": { endings: ["json"], begins: isText },
  "application/msword": { endings: ["doc"], begins: compoundFile },
  "application/pdf": { endings: ["pdf"], begins: starts("%PDF-") },
  "application/rtf": { endings: ["rtf"], begins: starts("{\\rtf") },
  "application/vnd.ms-excel": { endings: ["xls"], begins: compoundFile },
  "application/vnd.ms-powerpoint": { endings: ["ppt"], begins: compoundFile },
  [`${openDocument}.presentation`]: { endings: ["odp"], begins: zip },
  [`${openDocument}.spreadsheet`]: { endings: ["ods"], begins: zip },
  [`${openDocument}.text`]: { endings: ["odt"], begins: zip },
  [`${office}.presentationml.presentation`]: { endings: ["pptx"], begins: zip },
  [`${office}.spreadsheetml.sheet`]: { endings: ["xlsx"], begins: zip },
  [`${office}.wordprocessingml.document`]: { endings: ["docx"], begins: zip },
  "application/zip": { endings: ["zip"], begins: zip },
  "audio/mp4": { endings: ["m4a", "mp4"], begins: mpeg4 },
  "audio/mpeg": { endings: ["mp3"], begins: (bytes) => starts("ID3")(bytes) || isMp3(bytes) },
  "audio/ogg": { endings: ["ogg", "oga"], begins: starts("OggS") },
  "audio/wav": { endings: ["wav"], begins: riff("WAVE") },
  "image/gif": { endings: ["gif"], begins: starts("GIF87a", "GIF89a") },
  "image/heic": { endings: ["heic"], begins: mpeg4 },
  "image/jpeg": { endings: ["jpg", "jpeg"], begins: starts("\xff\xd8\xff") },
  "image/png": { endings: ["png"], begins: starts("\x89PNG\r\n\x1a\n") },
  "image/webp": { endings: ["webp"], begins: riff("WEBP") },
  "message/rfc822": { endings: ["eml"], begins: isText },
  "text/calendar": { endings: ["ics"], begins: isText },
  "text/csv": { endings: ["csv"], begins: isText },
  "text/markdown": { endings: ["md"], begins: isText },
  "text/plain": { endings: ["txt", "log"], begins: isText },
  "text/vcard": { endings: ["vcf"], begins: isText },
  "video/mp4": { endings: ["mp4", "m4v"], begins: mpeg4 },
  "video/quicktime": { endings: ["mov"], begins: (bytes) => mpeg4(bytes) || isQuickTime(bytes) },
  "video/webm": { endings: ["webm"], begins: matroska },
};

/** Media type → how to recognise it. The bucket allows the same types. */
export const CONTENT_TYPES: ReadonlyMap<string, ContentType> = new Map(Object.entries(TYPES));

/** Whether the file name has an ending of the type. */
export function fitsName(contentType: string, fileName: string): boolean {
  const ending = /\.([^.]+)$/.exec(fileName)?.[1]?.toLowerCase();
  return CONTENT_TYPES.get(contentType)?.endings.some((known) => known === ending) ?? false;
}

/** Whether a file that begins with these bytes has the type. */
export function fitsContent(contentType: string, bytes: Uint8Array): boolean {
  return bytes.length > 0 && (CONTENT_TYPES.get(contentType)?.begins(bytes) ?? false);
}

function starts(...signatures: string[]): (bytes: Uint8Array) => boolean {
  return (bytes) => signatures.some((text) => textAt(bytes, 0, text.length) === text);
}

function riff(form: string): (bytes: Uint8Array) => boolean {
  return (bytes) => starts("RIFF")(bytes) && textAt(bytes, 8, 4) === form;
}

/** Decodes each byte as one character. */
function textAt(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}

/** A frame begins with a sync word of eleven bits. */
function isMp3(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return first === 0xff && (second & 0xe0) === 0xe0;
}

function isQuickTime(bytes: Uint8Array): boolean {
  return ["moov", "mdat", "wide", "free", "skip"].includes(textAt(bytes, 4, 4));
}

/** Text has no control characters except these. A byte order mark shows that a file is UTF-16. */
function isText(bytes: Uint8Array): boolean {
  if (starts("\xff\xfe", "\xfe\xff")(bytes)) return true;
  const control = bytes.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d].includes(byte));
  return !control && !isMarkup(bytes);
}

/** Whether a browser could interpret the content as HTML or SVG. */
function isMarkup(bytes: Uint8Array): boolean {
  const text = textAt(bytes, 0, 1_024).replace(/^\xef\xbb\xbf/, "").trimStart();
  return /^(<\?xml|<!--|<!doctype html|<(html|head|body|script|iframe|svg|style|title|meta)\b)/i
    .test(text);
}
