/** All operations, loaded once, for tests that are made from the registry. */
import "../../supabase/functions/api/problems.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { allOperations } from "../../supabase/functions/api/resources.ts";

export const operations = await allOperations();

/** All operations, and those whose body has several forms once for each form, as if it had no other. */
export const operationForms: Operation[] = operations.flatMap((operation) =>
  operation.forms?.map((form) => ({ ...operation, ...form, forms: undefined })) ?? [operation]
);
