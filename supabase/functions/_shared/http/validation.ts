/** Validates the parts of a request against an operation's schemas. */
import type { MiddlewareHandler } from "hono";
import { zValidator } from "@hono/zod-validator";
import type * as z from "zod";
import { fieldErrors } from "../fieldErrors.ts";
import { Problem } from "../problem.ts";
import type { AppEnvironment } from "./platform.ts";

/**
 * Returns the middleware that parses one part of a request. It throws `code` with one error per
 * field. The type of the schema is erased, as operations are typed without their schemas here.
 */
export function validated(
  target: "param" | "query" | "json",
  schema: z.ZodType,
  code: "invalid_parameter" | "validation_failed",
): MiddlewareHandler<AppEnvironment> {
  return zValidator(target, schema, refuse(code)) as unknown as MiddlewareHandler<
    AppEnvironment
  >;
}

type ValidationResult = { success: boolean; error?: { issues: readonly z.core.$ZodIssue[] } };

function refuse(code: "invalid_parameter" | "validation_failed") {
  return (result: ValidationResult): void => {
    if (result.success) return;
    const errors = fieldErrors(result.error?.issues ?? []);
    const detail = `Correct ${Object.keys(errors).join(", ")}, then send the request again.`;
    throw new Problem(code, detail, { errors });
  };
}
