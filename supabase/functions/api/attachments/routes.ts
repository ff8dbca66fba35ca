/** The operations on attachments. */
import type { Operation } from "../../_shared/operation.ts";
import { createDownload } from "./download.ts";
import { createUpload } from "./upload.ts";

export const operations: readonly Operation[] = [createUpload, createDownload];
