/** Uploading a file: the operation returns a URL to upload it to. */
import { saga, type SagaContext } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { CONTENT_TYPES, fitsName } from "./contentTypes.ts";
import { BUCKET } from "./files.ts";
import { MAXIMUM_SIZE, Upload, UploadInput } from "./schema.ts";

/** The storage server sets this duration. */
const UPLOAD_SECONDS = 7_200;
/** Characters of a file name in a path. */
const MAXIMUM_NAME = 100;

export const createUpload = saga({
  id: "attachments.create",
  method: "POST",
  path: "/attachments",
  summary: "Get a URL to upload a file to",
  description:
    "PUT the file to `upload_url`, then use `path` in a note's `attachments`. Saving the note checks " +
    "the file's content. A file without a note is removed after two days.",
  access: "member",
  body: UploadInput,
  example: { file_name: "Offer.pdf", content_type: "application/pdf", size: 48_213 },
  output: Upload,
  status: 201,
  problems: ["attachment_type_not_allowed", "storage_unavailable"],
  run: (context, { body }) => signUpload(context, body),
});

async function signUpload(
  { storage, transaction }: SagaContext,
  { file_name, content_type }: UploadInput,
): Promise<Upload> {
  requireAllowed(file_name, content_type);
  const path = await transaction(async (sql, member) => {
    const name = safeFileName(file_name);
    const path = `${member.workspace_id}/${crypto.randomUUID()}/${name}`;
    await sql`select private.queue_upload(${path})`;
    return path;
  });
  const { url, token } = await storage.signUpload({ bucket: BUCKET, path });
  const limits = { expires_in: UPLOAD_SECONDS, max_size: MAXIMUM_SIZE };
  return { path, upload_url: url, token, bucket: BUCKET, ...limits };
}

function requireAllowed(fileName: string, contentType: string): void {
  const type = CONTENT_TYPES.get(contentType);
  if (!type) {
    const detail = "A note cannot have files of this type. Use one of the types in `allowed`.";
    throw new Problem("attachment_type_not_allowed", detail, {
      errors: { content_type: detail },
      members: { allowed: [...CONTENT_TYPES.keys()] },
    });
  }
  if (fitsName(contentType, fileName)) return;
  const detail = `Use a file name that ends in ${
    type.endings.map((ending) => `.${ending}`).join(" or ")
  }.`;
  throw new Problem("attachment_type_not_allowed", detail, { errors: { file_name: detail } });
}

/**
 * Replaces the characters that the storage server refuses in paths, and shortens the name. Keeps the ending.
 * A name that consists of an ending alone is `file`.
 */
function safeFileName(fileName: string): string {
  const end = fileName.lastIndexOf(".");
  const ending = fileName.slice(end);
  const stem = fileName.slice(0, end).normalize("NFKD").replace(/\p{M}/gu, "")
    .replace(/[^\w.() -]/gu, "_").trim().slice(-(MAXIMUM_NAME - ending.length))
    .replace(/^[. ]+/, "_")
    // Some storage servers refuse two dots in a row anywhere in a path.
    .replace(/\.(?=\.|$)/g, "_");
  return (stem || "file") + ending;
}
