/**
 * Encodings of text files: UTF-8, UTF-16 and Windows-1252, found by the byte order mark or by the
 * bytes themselves. Source: https://encoding.spec.whatwg.org/
 */

export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** The encoding of a file, and the number of bytes of its byte order mark. */
export interface Detected {
  encoding: Encoding;
  mark: number;
}

const MARKS: [Encoding, number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/** Finds the encoding of a file from its first bytes. */
export function detectEncoding(bytes: Uint8Array): Detected {
  for (const [encoding, mark] of MARKS) {
    if (mark.every((byte, index) => bytes[index] === byte)) return { encoding, mark: mark.length };
  }
  return { encoding: utf16Order(bytes) ?? "utf-8", mark: 0 };
}

/** In UTF-16 every other byte of Latin text is 0. */
function utf16Order(bytes: Uint8Array): Encoding | undefined {
  const sample = bytes.subarray(0, 1_000);
  const zeros = [0, 0];
  sample.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  const enough = sample.length / 4;
  if (odd > enough && even === 0) return "utf-16le";
  return even > enough && odd === 0 ? "utf-16be" : undefined;
}

/** Text, and the function that returns the bytes that its beginning has in the file. */
export interface Decoded {
  text: string;
  bytesOf(beginning: string): number;
}

/**
 * Decodes a part of a file that begins with a whole character. An incomplete character at its end
 * is left out, unless the part is the last one. A part that is not valid UTF-8 is Windows-1252,
 * since hardly any text with accents is valid in both.
 */
export function decode(bytes: Uint8Array, encoding: Encoding, isLast: boolean): Decoded {
  if (encoding !== "utf-8") return decodeAs(bytes, encoding, isLast);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = decoder.decode(bytes, { stream: !isLast });
    return { text, bytesOf: (beginning) => new TextEncoder().encode(beginning).length };
  } catch {
    return decodeAs(bytes, "windows-1252", isLast);
  }
}

function decodeAs(bytes: Uint8Array, encoding: Encoding, isLast: boolean): Decoded {
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes, { stream: !isLast });
  const width = encoding === "windows-1252" ? 1 : 2;
  return { text, bytesOf: (beginning) => beginning.length * width };
}
