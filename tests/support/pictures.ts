/** Images of any size, and pictures that contain them. */
import { bytesOf } from "./files.ts";

/** First bytes of each type of image. */
export const FIRST_BYTES: Record<string, Uint8Array<ArrayBuffer>> = {
  "image/png": bytesOf("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
  "image/jpeg": bytesOf("\xff\xd8\xff\xe0"),
  "image/gif": bytesOf("GIF89a"),
  "image/webp": bytesOf("RIFF\x10\0\0\0WEBPVP8 "),
  "image/x-icon": bytesOf("\0\0\x01\0\x01\0"),
};

/** The bytes of an image: the first bytes of its type, then random ones. */
export function imageBytes(size: number, type = "image/png"): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let start = 0; start < size; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65_536));
  }
  bytes.set((FIRST_BYTES[type] ?? new Uint8Array()).subarray(0, size));
  return bytes;
}

/** A data URL with these bytes. */
export function dataUrl(bytes: Uint8Array<ArrayBuffer>, type = "image/png"): string {
  return `data:${type};base64,${bytes.toBase64()}`;
}
