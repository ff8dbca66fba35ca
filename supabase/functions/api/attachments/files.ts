/**
 * The files of a note's attachments. A member of the workspace must have uploaded each new file, and its
 * content must match its type.
 */
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import type { WriteContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { DECIDING_BYTES, fitsContent, fitsName } from "./contentTypes.ts";
import { type Attachment, type AttachmentInput, MAXIMUM_SIZE } from "./schema.ts";

/** The private bucket. Its paths have the form `<workspace>/<uuid>/<name>`. */
export const BUCKET = "portico-attachments";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const PRIVATE_PATH = new RegExp(`^${UUID}/${UUID}/([^/]+)$`);

interface UploadedFile {
  path: string;
  size: number | null;
  content_type: string | null;
}

/** The problems that attachments of a note can cause. */
export const ATTACHMENT_PROBLEMS: readonly ProblemCode[] = [
  "attachment_not_uploaded",
  "attachment_type_mismatch",
  "storage_unavailable",
];

/**
 * Checks the new attachments of a note, and returns the note's values with the attachments to store.
 * @param stored reads the note; the attachments that it already has are not checked again.
 * @throws Problem `attachment_not_uploaded`, `attachment_type_mismatch`, `validation_failed`.
 */
export async function withAttachments<Values extends { attachments?: AttachmentInput[] | null }>(
  context: WriteContext,
  values: Values,
  stored?: () => Promise<{ attachments: Attachment[] }>,
): Promise<Values> {
  const { attachments } = values;
  if (!attachments) return values;
  // A note without attachments has null, so that its empty list can be sent back without a change.
  if (attachments.length === 0) return { ...values, attachments: null };
  const before = stored ? (await stored()).attachments : [];
  return { ...values, attachments: await checkFiles(context, attachments, before) };
}

async function checkFiles(
  context: WriteContext,
  items: AttachmentInput[],
  stored: Attachment[],
): Promise<AttachmentInput[]> {
  const files = await claimFiles(context.sql, newPrivatePaths(items, stored));
  return await Promise.all(items.map((item, index) => {
    if (isStored(item, stored)) return item;
    return isPrivate(item)
      ? checkFile(context, item, files.get(item.path), `attachments.${index}.path`)
      : checkUrl(item, `attachments.${index}.src`);
  }));
}

/** Returns the file name at the end of a private path; undefined for any other path. */
export function fileNameOf(path: string): string | undefined {
  return PRIVATE_PATH.exec(path)?.[1];
}

function isPrivate(item: AttachmentInput): item is AttachmentInput & { path: string } {
  return typeof item.path === "string" && fileNameOf(item.path) !== undefined;
}

function isStored(item: AttachmentInput, stored: Attachment[]): boolean {
  return stored.some(({ path, src }) =>
    (path ?? null) === (item.path ?? null) && (src ?? null) === (item.src ?? null)
  );
}

function newPrivatePaths(items: AttachmentInput[], stored: Attachment[]): string[] {
  return items.flatMap((item) => isPrivate(item) && !isStored(item, stored) ? item.path : []);
}

/** Returns the uploaded files of the workspace by path, and takes them off the queue of removals. */
async function claimFiles(sql: Sql, paths: string[]): Promise<Map<string, UploadedFile>> {
  if (paths.length === 0) return new Map();
  const rows = await sql<UploadedFile[]>`
    select path, size::float8 as size, content_type from private.claim_attachments(${
    arraySql(sql, paths, "text")
  })`;
  return new Map(rows.map((file) => [file.path, file]));
}

async function checkFile(
  { storage }: WriteContext,
  item: AttachmentInput & { path: string },
  file: UploadedFile | undefined,
  field: string,
): Promise<AttachmentInput> {
  if (!file) throw notUploaded(field);
  const name = fileNameOf(file.path) ?? "";
  const size = file.size ?? 0;
  const type = (file.content_type ?? "").split(";", 1)[0]?.trim() ?? "";
  if (size > MAXIMUM_SIZE || !fitsName(type, name)) throw mismatch(field);
  const bytes = await storage.firstBytes({ bucket: BUCKET, path: file.path }, DECIDING_BYTES);
  if (!bytes) throw notUploaded(field);
  if (!fitsContent(type, bytes)) throw mismatch(field);
  return { ...item, title: item.title ?? name, src: null, type, size };
}

/** Accepts any URL: Atomic CRM's clients upload files to a public bucket. */
function checkUrl(item: AttachmentInput, field: string): AttachmentInput {
  if (typeof item.src === "string" && /^https?:\/\/[^/]/i.test(item.src)) return item;
  const detail = "Use the path of an uploaded file, or an http or https URL as src.";
  throw new Problem("validation_failed", detail, { errors: { [field]: detail } });
}

function notUploaded(field: string): Problem {
  const detail =
    "Upload the file to the URL that POST /attachments returned, then send the request again.";
  return new Problem("attachment_not_uploaded", detail, { errors: { [field]: detail } });
}

function mismatch(field: string): Problem {
  const detail =
    "The file's content, type and name do not match. Upload the file with its real type and ending.";
  return new Problem("attachment_type_mismatch", detail, { errors: { [field]: detail } });
}
