/** Wire shapes of attachments: files of notes, and addresses to upload and download them. */
import * as z from "zod";
import { CONTENT_TYPES } from "./contentTypes.ts";

/** As the bucket has it. */
export const MAXIMUM_SIZE = 26_214_400;
const MAXIMUM_PER_NOTE = 20;
const MAXIMUM_LENGTH = 10_000;

/** As it is stored; Atomic CRM's clients add keys of their own, and older rows may lack any. */
export const Attachment = z.looseObject({
  title: z.string().nullish(),
  path: z.string().nullish(),
  src: z.string().nullish().describe("Null for a private file: GET /attachments/url gives one."),
  type: z.string().nullish(),
  size: z.number().nullish(),
}).meta({ id: "Attachment" });
export type Attachment = z.output<typeof Attachment>;

const text = z.string().max(2_000);

/** A note's attachments may be sent back as they came: further keys are kept. */
const AttachmentInput = z.looseObject({
  title: text.nullish(),
  path: text.nullish().describe("The path that POST /attachments gave."),
  src: z.string().max(MAXIMUM_LENGTH).nullish().describe("An http or https address."),
  type: text.nullish(),
  size: z.number().nullish(),
}).refine((item) => JSON.stringify(item).length <= MAXIMUM_LENGTH, "Use less text.")
  .meta({ id: "AttachmentInput" });
export type AttachmentInput = z.output<typeof AttachmentInput>;

export const attachmentsInput = z.array(AttachmentInput)
  .max(MAXIMUM_PER_NOTE, `Attach at most ${MAXIMUM_PER_NOTE} files.`).nullish();

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
  path: z.string().describe("For the note's `attachments`."),
  upload_url: z.string().describe("PUT the file here, with its Content-Type."),
  token: z.string().describe("For `uploadToSignedUrl` of supabase-js."),
  bucket: z.string(),
  expires_in: z.int().describe("Seconds."),
  max_size: z.int().describe("Bytes."),
}).meta({ id: "Upload" });
export type Upload = z.output<typeof Upload>;

export const DownloadQuery = z.object({ path: z.string().min(1, "Use a path.").max(2_000) });

export const Download = z.object({
  url: z.string().describe("Saves the file; nothing is shown inline."),
  expires_in: z.int().describe("Seconds."),
}).meta({ id: "Download" });
export type Download = z.output<typeof Download>;
