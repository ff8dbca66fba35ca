/** Request bodies, validated with zod. */

import * as z from "zod";
import { AuthError, validationFailed } from "./errors.ts";

/** Free JSON of a user: `user_metadata` and `app_metadata`. */
export const metadataSchema = z.record(z.string(), z.unknown());

/** Parses a JSON body. Throws `bad_json` when it is not JSON, `validation_failed` for a wrong field. */
export async function readBody<T extends z.ZodType>(
  request: Request,
  schema: T,
): Promise<z.output<T>> {
  const result = schema.safeParse(await parseJson(request));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".");
  const message = issue?.message ?? "The request body is not valid.";
  throw validationFailed(field ? `${field}: ${message}` : message);
}

async function parseJson(request: Request): Promise<unknown> {
  try {
    return JSON.parse(await request.text());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuthError(400, "bad_json", `Could not parse request body as JSON: ${reason}`);
  }
}
