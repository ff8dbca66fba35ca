/**
 * Request bodies: JSON, at most 1 MB, and an error that says where it breaks. Bodies that are refused
 * are still consumed or cancelled, so that the connection stays usable.
 */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "./problem.ts";

const MAXIMUM_BYTES = 1_000_000;

/** Refuses too large a body with 413, whether its length is announced or not. */
export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: MAXIMUM_BYTES,
  onError: async (context) => {
    await context.req.raw.body?.cancel();
    throw new Problem("body_too_large", `Send at most ${MAXIMUM_BYTES} bytes in one request.`);
  },
});

/** Refuses a body that is not JSON: 415 by its type, 400 by its text. */
export const requireJson: MiddlewareHandler = async (context, next) => {
  const type = context.req.header("Content-Type") ?? "";
  if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(type)) {
    await context.req.raw.body?.cancel();
    throw new Problem("unsupported_media_type", "Send JSON with `Content-Type: application/json`.");
  }
  await checkJson(context);
  await next();
};

/** The same, for operations whose body may be left out. */
export const optionalJson: MiddlewareHandler = async (context, next) => {
  const { headers } = context.req.raw;
  if (!headers.has("Content-Type") && await context.req.text() === "") await next();
  else await requireJson(context, next);
};

async function checkJson(context: Context): Promise<void> {
  const text = await context.req.text();
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new Problem(
      "invalid_json",
      `The JSON breaks ${brokenAt(text, cause)}. Correct it there.`,
      {
        cause,
      },
    );
  }
}

/** Where V8 says that the text breaks, as line and column. */
function brokenAt(text: string, error: unknown): string {
  if (text.trim() === "") return "at its start: the body is empty";
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  const before = text.slice(0, position === undefined ? text.length : Number(position));
  const lines = before.split("\n");
  return `at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}
