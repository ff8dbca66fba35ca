/** Validates the parts of a request against an operation's schemas. */
import type { MiddlewareHandler } from "hono";
import { zValidator } from "@hono/zod-validator";
import type * as z from "zod";
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
    const errors: Record<string, string> = {};
    for (const issue of result.error?.issues ?? []) describeIssue(issue, errors);
    const detail = `Correct ${Object.keys(errors).join(", ")}, then send the request again.`;
    throw new Problem(code, detail, { errors });
  };
}

/** zod reports all unknown keys of an object as one issue. The answer names each key. */
function describeIssue(issue: z.core.$ZodIssue, errors: Record<string, string>): void {
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) {
      errors[[...issue.path, key].join(".")] = "This field is not known.";
    }
  } else {
    errors[issue.path.join(".") || "body"] ??= issue.message;
  }
}
