/** The schemas of attachments, of the fields that all notes have, and of uploads and downloads. */
import * as z from "zod";
import { longText, timestamp } from "../../_shared/fields.ts";
import { CONTENT_TYPES } from "./contentTypes.ts";

/** Bytes of a file. The bucket has the same limit. */
export const MAXIMUM_SIZE = 26_214_400;
const MAXIMUM_PER_NOTE = 20;
/** Characters of one attachment, and of all attachments of a note, as JSON. */
const MAXIMUM_LENGTH = 10_000;

/** A stored attachment. Atomic CRM's clients may add fields, and an old row may lack any field. */
export const Attachment = z.looseObject({
  title: z.string().nullish(),
  path: z.string().nullish(),
  src: z.string().nullish().describe(
    "`null` for a private file. GET /attachments/url returns a URL for it.",
  ),
  type: z.string().nullish(),
  size: z.number().nullish(),
}).meta({ id: "Attachment" });
export type Attachment = z.output<typeof Attachment>;

/** Bytes of a path. Storage servers allow keys of this length, and an index holds them. */
const MAXIMUM_PATH = 1_024;

const text = z.string().max(2_000);
const path = z.string().refine(fitsPath, `Use at most ${MAXIMUM_PATH} bytes.`);

/** An attachment in a request. It may have further fields, so that a client can send a stored one back. */
const AttachmentInput = z.looseObject({
  title: text.nullish(),
  path: path.nullish().describe("The `path` that POST /attachments returned."),
  src: z.string().max(MAXIMUM_LENGTH).refine(
    (src) => fitsPath(pathInBucket(src)),
    `Use a URL with a path of at most ${MAXIMUM_PATH} bytes in the bucket.`,
  ).nullish().describe("An http or https URL."),
  type: text.nullish(),
  size: z.number().nullish(),
}).refine(
  (item) => JSON.stringify(item).length <= MAXIMUM_LENGTH,
  `Use at most ${MAXIMUM_LENGTH} characters.`,
)
  .meta({ id: "AttachmentInput" });
export type AttachmentInput = z.output<typeof AttachmentInput>;

function fitsPath(path: string): boolean {
  return new TextEncoder().encode(path).length <= MAXIMUM_PATH;
}

/** The path in Atomic CRM's bucket that a URL contains, as the database reads it; empty for another URL. */
function pathInBucket(src: string): string {
  return /\/storage\/v1\/object\/public\/attachments\/([^?#]+)/.exec(src)?.[1] ?? "";
}

/** Fields that every note has in a request. */
export const noteFields = {
  text: longText,
  date: timestamp.optional(),
  attachments: z.array(AttachmentInput)
    .max(MAXIMUM_PER_NOTE, `Attach at most ${MAXIMUM_PER_NOTE} files.`)
    .refine(
      (items) => JSON.stringify(items).length <= MAXIMUM_LENGTH,
      `Use at most ${MAXIMUM_LENGTH} characters for all attachments.`,
    ).nullish(),
};

const types = [...CONTENT_TYPES.keys()];

export const UploadInput = z.strictObject({
  file_name: z.string().trim().min(1, "Use the file's name.").max(255),
  content_type: z.string().describe(`One of: ${types.join(", ")}.`),
  size: z.int().min(1, "Use the file's size in bytes.").max(
    MAXIMUM_SIZE,
    `Use a file of at most ${MAXIMUM_SIZE} bytes.`,
  ),
}).meta({ id: "UploadInput" });
export type UploadInput = z.output<typeof UploadInput>;

export const Upload = z.object({
  path: z.string().describe("Use it as `path` in the note's `attachments`."),
  upload_url: z.string().describe("PUT the file to this URL, with its Content-Type."),
  token: z.string().describe("The token for `uploadToSignedUrl` of supabase-js."),
  bucket: z.string(),
  expires_in: z.int().describe("Seconds until the URL expires."),
  max_size: z.int().describe("Maximum size in bytes."),
}).meta({ id: "Upload" });
export type Upload = z.output<typeof Upload>;

export const DownloadQuery = z.object({
  path: z.string().min(1, "Use a path.").max(2_000).describe("`path` of a note's attachment."),
});

export const Download = z.object({
  url: z.string().describe("The browser saves the file and does not display it."),
  expires_in: z.int().describe("Seconds until the URL expires."),
}).meta({ id: "Download" });
export type Download = z.output<typeof Download>;
