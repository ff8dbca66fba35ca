/**
 * One GET request on an open connection. `fetch` resolves the name of the host itself, so a name could
 * lead to another address than the one that was checked. Source: RFC 9112.
 */
import type { Bytes } from "../bytes.ts";
import type { Connection } from "./network.ts";

export interface HttpAnswer {
  status: number;
  headers: Headers;
  bytes: Bytes;
  /** Whether `bytes` is the whole body. */
  isComplete: boolean;
}

const MAXIMUM_LINE = 8_192;
const MAXIMUM_LINES = 100;

/**
 * Sends the request, and reads at most `maximumBytes` of the body.
 * @throws Error when the answer is no HTTP.
 */
export async function httpGet(
  connection: Connection,
  url: URL,
  maximumBytes: number,
): Promise<HttpAnswer> {
  await writeAll(
    connection,
    `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: Portico\r\n` +
      "Accept: image/*, text/html;q=0.9\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
  );
  const reader = new Reader(connection);
  let status: number;
  let headers: Headers;
  do [status, headers] = await readHead(reader); while (status < 200);
  return { status, headers, ...await readBody(reader, headers, maximumBytes) };
}

async function writeAll(connection: Connection, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

async function readHead(reader: Reader): Promise<[status: number, headers: Headers]> {
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(await reader.line()) ?? [];
  if (status === undefined) throw new Error("The answer is no HTTP");
  const headers = new Headers();
  for (let count = 0; count < MAXIMUM_LINES; count++) {
    const line = await reader.line();
    if (line === "") return [Number(status), headers];
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  throw new Error("The answer has too many headers");
}

type Body = Pick<HttpAnswer, "bytes" | "isComplete">;

async function readBody(reader: Reader, headers: Headers, maximumBytes: number): Promise<Body> {
  if (/\bchunked\s*$/i.test(headers.get("Transfer-Encoding") ?? "")) {
    return await readChunks(reader, maximumBytes);
  }
  const length = headers.get("Content-Length");
  if (length === null) {
    const bytes = await reader.take(maximumBytes + 1);
    return { bytes: bytes.slice(0, maximumBytes), isComplete: bytes.length <= maximumBytes };
  }
  if (!/^\d+$/.test(length)) throw new Error("The answer has no valid length");
  const bytes = await reader.take(Math.min(Number(length), maximumBytes));
  return { bytes, isComplete: bytes.length === Number(length) };
}

async function readChunks(reader: Reader, maximumBytes: number): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let missing = maximumBytes;
  for (;;) {
    const [size] = /^[0-9a-f]{1,8}(?=\s*(?:;|$))/i.exec(await reader.line()) ?? [];
    if (size === undefined) throw new Error("The answer has no valid chunk");
    const wanted = parseInt(size, 16);
    if (wanted === 0) return { bytes: joined(chunks), isComplete: true };
    const chunk = await reader.take(Math.min(wanted, missing));
    chunks.push(chunk);
    missing -= chunk.length;
    if (chunk.length < wanted) return { bytes: joined(chunks), isComplete: false };
    if (await reader.line() !== "") throw new Error("The answer has no valid chunk");
  }
}

/** Reads lines and bytes from a connection. */
class Reader {
  #buffer = new Uint8Array(0);

  constructor(readonly connection: Connection) {}

  /** Returns the next line, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end > MAXIMUM_LINE || (end < 0 && this.#buffer.length > MAXIMUM_LINE)) {
        throw new Error("The answer has a line that is too long");
      }
      if (end >= 0) return new TextDecoder().decode(this.#cut(end + 1)).replace(/\r?\n$/, "");
      if (!await this.#fill()) throw new Error("The answer ends too early");
    }
  }

  /** Returns the next bytes: `count` of them, or fewer at the end of the connection. */
  async take(count: number): Promise<Bytes> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0 && (this.#buffer.length > 0 || await this.#fill())) {
      const part = this.#cut(Math.min(missing, this.#buffer.length));
      missing -= part.length;
      parts.push(part);
    }
    return joined(parts);
  }

  #cut(count: number): Uint8Array {
    const part = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return part;
  }

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(16_384);
    const count = await this.connection.read(chunk);
    if (count === null) return false;
    this.#buffer = joined([this.#buffer, chunk.subarray(0, count)]);
    return true;
  }
}

function joined(parts: Uint8Array[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
