/**
 * The files behind a note's attachments: each new one must have been uploaded by the caller's workspace
 * and be what it says, judged by its content.
 */
import { arraySql, type Sql } from "../../_shared/database/database.ts";
import type { WriteContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { DECIDING_BYTES, fitsContent, fitsName } from "./contentTypes.ts";
import { type Attachment, type AttachmentInput, MAXIMUM_SIZE } from "./schema.ts";

/** The private bucket; its paths are `<workspace>/<uuid>/<name>`. */
export const BUCKET = "portico-attachments";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const PRIVATE_PATH = new RegExp(`^${UUID}/${UUID}/([^/]+)$`);

interface UploadedFile {
  path: string;
  size: number | null;
  content_type: string | null;
}

/** What a note's attachments can be refused with. */
export const ATTACHMENT_PROBLEMS: readonly ProblemCode[] = [
  "attachment_not_uploaded",
  "attachment_type_mismatch",
  "storage_unavailable",
];

type Given = AttachmentInput[] | null | undefined;

/**
 * A note's values with its attachments as they are to be stored. Those that the note has already stay as
 * they are; `stored` reads it.
 * @throws Problem `attachment_not_uploaded`, `attachment_type_mismatch`, `validation_failed`.
 */
export async function withAttachments<Values extends { attachments?: Given }>(
  context: WriteContext,
  values: Values,
  stored?: () => Promise<{ attachments: Attachment[] }>,
): Promise<Values> {
  const given = values.attachments;
  if (!given || given.length === 0) return values;
  const before = stored ? (await stored()).attachments : [];
  return { ...values, attachments: await resolved(context, given, before) };
}

async function resolved(
  context: WriteContext,
  given: AttachmentInput[],
  stored: Attachment[],
): Promise<AttachmentInput[]> {
  const files = await claimFiles(context.sql, newPrivatePaths(given, stored));
  return await Promise.all(given.map((item, index) => {
    if (isStored(item, stored)) return item;
    return isPrivate(item)
      ? verifiedFile(context, item, files.get(item.path), `attachments.${index}.path`)
      : externalFile(item, `attachments.${index}.src`);
  }));
}

/** The name at the end of a private path; undefined for any other path. */
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

function newPrivatePaths(given: AttachmentInput[], stored: Attachment[]): string[] {
  return given.flatMap((item) => isPrivate(item) && !isStored(item, stored) ? item.path : []);
}

/** Files of the caller's workspace, which from now on are not removed as unused. */
async function claimFiles(sql: Sql, paths: string[]): Promise<Map<string, UploadedFile>> {
  if (paths.length === 0) return new Map();
  const rows = await sql<UploadedFile[]>`
    select path, size::float8 as size, content_type from private.claim_attachments(${
    arraySql(sql, paths, "text")
  })`;
  return new Map(rows.map((file) => [file.path, file]));
}

async function verifiedFile(
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

/** An address on the web, or a file that Atomic CRM's clients have put into their public bucket. */
function externalFile(item: AttachmentInput, field: string): AttachmentInput {
  if (typeof item.src === "string" && /^https?:\/\/[^/]/i.test(item.src)) return item;
  const detail = "Use the path of a file that was uploaded, or an http or https address as src.";
  throw new Problem("validation_failed", detail, { errors: { [field]: detail } });
}

function notUploaded(field: string): Problem {
  const detail =
    "Upload the file to the address that POST /attachments gave, then send this again.";
  return new Problem("attachment_not_uploaded", detail, { errors: { [field]: detail } });
}

function mismatch(field: string): Problem {
  const detail = "The file's content, its type and its name do not fit. Upload it as what it is.";
  return new Problem("attachment_type_mismatch", detail, { errors: { [field]: detail } });
}
