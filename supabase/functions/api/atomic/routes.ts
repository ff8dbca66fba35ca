/** The operations at the paths of Atomic CRM's functions, beside `/api`. They run the code of `/api`. */
import type { Operation } from "../../_shared/operation.ts";
import { attachmentOperations } from "./attachments.ts";
import { contactOperations } from "./contacts.ts";
import { userOperations } from "./users.ts";

export const operations: readonly Operation[] = [
  ...userOperations,
  ...contactOperations,
  ...attachmentOperations,
];
