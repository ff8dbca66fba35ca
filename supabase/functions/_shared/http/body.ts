/**
 * Request bodies: JSON, at most 1 MB unless the operation allows more, within 30 seconds. An unread
 * body is cancelled, so that its connection stays usable.
 */
import type { Context, MiddlewareHandler } from "hono";
import { inTime } from "../inTime.ts";
import { Problem } from "../problem.ts";

const DEFAULT_BYTES = 1_000_000;
/** Parsers, validators and Postgres need stack for each level. */
const MAXIMUM_DEPTH = 100;

/**
 * Cancels a body that no step has read. HTTP/1.1 reuses a connection only when the whole request
 * has been received (RFC 9112, section 9.3). After the cancellation the server discards the rest of
 * the body.
 */
export const releaseBody: MiddlewareHandler = async (context, next) => {
  await next();
  const { raw } = context.req;
  if (raw.method !== "GET" && !raw.bodyUsed) await raw.body?.cancel();
};

/** Limits of a request's body. */
interface BodyLimits {
  maximumBytes?: number;
  milliseconds: number;
}

/**
 * Returns the step that reads the body. It throws 413 `body_too_large` for a body above the limit,
 * with or without `Content-Length`, and 408 `body_timeout` for one that does not arrive in time.
 * Hono's `bodyLimit` locks a refused body, so that the rest could not be cancelled.
 */
export function limitBody(
  { maximumBytes = DEFAULT_BYTES, milliseconds }: BodyLimits,
): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req;
    if (raw.method !== "GET" && raw.body !== null) {
      const announced = Number(raw.headers.get("Content-Length"));
      if (announced > maximumBytes) throw tooLarge(maximumBytes);
      const body = await readWithinLimits(raw.body, maximumBytes, milliseconds);
      const { url, method, headers } = raw;
      context.req.raw = new Request(url, { method, headers, body });
    }
    await next();
  };
}

async function readWithinLimits(
  body: ReadableStream<Uint8Array>,
  maximumBytes: number,
  milliseconds: number,
): Promise<Blob> {
  const reader = body.getReader();
  try {
    const whole = readAll(reader, maximumBytes);
    return await inTime(whole, milliseconds, () => tooLate(milliseconds));
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw error;
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maximumBytes: number,
): Promise<Blob> {
  const chunks: BlobPart[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks);
    size += value.length;
    if (size > maximumBytes) throw tooLarge(maximumBytes);
    chunks.push(new Uint8Array(value));
  }
}

function tooLate(milliseconds: number): Problem {
  const detail = `Send the whole body within ${Math.ceil(milliseconds / 1_000)} seconds.`;
  return new Problem("body_timeout", detail);
}

function tooLarge(maximumBytes: number): Problem {
  return new Problem("body_too_large", `Send at most ${maximumBytes} bytes in one request.`);
}

/**
 * Throws 415 `unsupported_media_type` for another content type, 400 `invalid_json` for invalid
 * JSON, and 422 `validation_failed` for text that Postgres cannot store.
 */
export const requireJson: MiddlewareHandler = async (context, next) => {
  const type = context.req.header("Content-Type") ?? "";
  if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(type)) {
    throw new Problem("unsupported_media_type", "Send JSON with `Content-Type: application/json`.");
  }
  await checkJson(context);
  await next();
};

/**
 * As `requireJson`, but accepts a request without a body. Many clients send a `Content-Type` all the
 * same. It is removed: the validator would parse the empty text.
 */
export const optionalJson: MiddlewareHandler = async (context, next) => {
  if (await context.req.text() !== "") return await requireJson(context, next);
  const { url, method, headers: given } = context.req.raw;
  const headers = new Headers(given);
  headers.delete("Content-Type");
  context.req.raw = new Request(url, { method, headers });
  await next();
};

async function checkJson(context: Context): Promise<void> {
  const text = await context.req.text();
  if (depthOf(text) > MAXIMUM_DEPTH) {
    const detail = `Nest objects and arrays at most ${MAXIMUM_DEPTH} levels deep.`;
    throw new Problem("validation_failed", detail, { errors: { body: detail } });
  }
  try {
    const value = JSON.parse(text);
    if (UNSTORABLE_ESCAPE.test(text)) requireStorable(value, []);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    const detail = text.trim() === ""
      ? "The body is empty. Send JSON."
      : "The body is not valid JSON. Check its quotes, commas and brackets.";
    throw new Problem("invalid_json", detail, { cause });
  }
}

/** The deepest nesting of brackets outside strings, whether or not the text is JSON. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') isString = !isString;
    else if (isString && character === "\\") index++;
    else if (!isString && (character === "[" || character === "{")) {
      deepest = Math.max(deepest, ++depth);
    } else if (!isString && (character === "]" || character === "}")) depth--;
  }
  return deepest;
}

const UNSTORABLE_ESCAPE = /\\u(0000|d[89a-f])/i;

/** JSON allows NUL and single surrogates, which Postgres cannot store as text. */
function requireStorable(value: unknown, path: string[]): void {
  if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      requireStorable(key, [...path, key]);
      requireStorable(member, [...path, key]);
    }
  } else if (typeof value === "string" && (value.includes("\0") || !value.isWellFormed())) {
    const detail = "Leave out NUL characters and incomplete surrogate pairs.";
    throw new Problem("validation_failed", detail, {
      errors: { [path.join(".") || "body"]: detail },
    });
  }
}
