/** The slugs of Atomic CRM, beside `/api`: its own addresses and shapes, before the same code. */
import type { Operation } from "../../_shared/operation.ts";
import { contactOperations } from "./contacts.ts";
import { userOperations } from "./users.ts";

export const operations: readonly Operation[] = [...userOperations, ...contactOperations];
