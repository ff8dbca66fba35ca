/** The registry: one line per resource. Routes, documents, SDK and tests come from this list. */
import type { Operation } from "../_shared/operation.ts";
import { activityOperations } from "./activity/routes.ts";
import { attachmentOperations } from "./attachments/routes.ts";
import { companyOperations } from "./companies/routes.ts";
import { configurationOperations } from "./configuration/routes.ts";
import { contactNoteOperations } from "./contact_notes/routes.ts";
import { contactOperations } from "./contacts/routes.ts";
import { dealNoteOperations } from "./deal_notes/routes.ts";
import { dealOperations } from "./deals/routes.ts";
import { jobOperations } from "./jobs/routes.ts";
import { searchOperations } from "./search/routes.ts";
import { systemOperations } from "./system/routes.ts";
import { tagOperations } from "./tags/routes.ts";
import { taskOperations } from "./tasks/routes.ts";
import { trashOperations } from "./trash/routes.ts";
import { userOperations } from "./users/routes.ts";

export const operations: readonly Operation[] = [
  ...systemOperations,
  ...userOperations,
  ...companyOperations,
  ...contactOperations,
  ...tagOperations,
  ...searchOperations,
  ...dealOperations,
  ...configurationOperations,
  ...activityOperations,
  ...trashOperations,
  ...jobOperations,
  ...taskOperations,
  ...contactNoteOperations,
  ...dealNoteOperations,
  ...attachmentOperations,
];
