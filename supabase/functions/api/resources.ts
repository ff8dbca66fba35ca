/** The registry: one line per resource. Routes, documents, SDK and tests come from this list. */
import type { Operation } from "../_shared/operation.ts";
import { companyOperations } from "./companies/routes.ts";
import { contactOperations } from "./contacts/routes.ts";
import { systemOperations } from "./system/routes.ts";
import { tagOperations } from "./tags/routes.ts";
import { userOperations } from "./users/routes.ts";

export const operations: readonly Operation[] = [
  ...systemOperations,
  ...userOperations,
  ...companyOperations,
  ...contactOperations,
  ...tagOperations,
];
