/** Issues of zod as the errors of a problem: field → what to do. */
import type * as z from "zod";

type Issue = z.core.$ZodIssue;

/**
 * Returns one message for each field. The name of a nested field has dots: `set.status`. `whole` is the
 * name of the value itself.
 */
export function fieldErrors(issues: readonly Issue[], whole = "body"): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const issue of issues) describe(issue, whole, errors);
  return errors;
}

/** zod reports all unknown keys of an object as one issue. The errors name each key. */
function describe(issue: Issue, whole: string, errors: Record<string, string>): void {
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) {
      errors[[...issue.path, key].join(".")] = "This field is not known.";
    }
  } else {
    errors[issue.path.join(".") || whole] ??= issue.message;
  }
}
