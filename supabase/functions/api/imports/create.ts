/** Creating an import: with its file, or with an address to upload it to. */
import { Buffer } from "node:buffer";
import type { Sql } from "../../_shared/database/database.ts";
import { write, type WriteContext } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { storeContent } from "./inspect.ts";
import { getImport, toImport } from "./queries.ts";
import { Import, ImportInput, MAXIMUM_INLINE, MAXIMUM_SIZE } from "./schema.ts";
import { BUCKET } from "./source.ts";

/** Room for a file of 1 MB as base64, or as text with every character escaped. */
const MAXIMUM_BODY = 4_000_000;

export const createImport = write({
  id: "imports.create",
  method: "POST",
  path: "/imports",
  summary: "Create an import",
  description:
    "A file of at most 1 MB comes in `content` or `content_base64`, and the answer shows its " +
    "columns. For a larger one of at most 50 MB the answer has an address to upload it to.",
  access: "member",
  body: ImportInput,
  maximumBytes: MAXIMUM_BODY,
  example: {
    record_type: "contacts",
    file_name: "Contacts.csv",
    content: "First name,Email\r\nAda,ada@example.com\r\n",
    policy: "merge",
  },
  output: Import,
  status: 201,
  location: ({ id }) => `/functions/v1/api/imports/${id}`,
  problems: ["invalid_file", "storage_unavailable"],
  run: (context, { body }) => create(context, body),
});

async function create({ sql, storage }: WriteContext, input: ImportInput): Promise<Import> {
  const bytes = contentOf(input);
  const id = await insertImport(sql, input, bytes === undefined);
  const { record_type, format = null } = input;
  if (bytes) await storeContent(sql, { id, record_type, format }, bytes);
  const stored = await getImport(sql, id);
  if (stored.path === null) return toImport(stored);
  const { url, token } = await storage.signUpload({ bucket: BUCKET, path: stored.path });
  return { ...toImport(stored), upload: { upload_url: url, token, max_size: MAXIMUM_SIZE } };
}

function contentOf({ content, content_base64, format }: ImportInput): Uint8Array | undefined {
  if (content !== undefined && content_base64 !== undefined) {
    throw wrong("content_base64", "Send content or content_base64, not both.");
  }
  if (content !== undefined && format === "xlsx") {
    throw wrong("content", "Send a workbook as content_base64.");
  }
  const bytes = content === undefined ? decoded(content_base64) : new TextEncoder().encode(content);
  if (bytes && bytes.length > MAXIMUM_INLINE) {
    throw wrong(
      content === undefined ? "content_base64" : "content",
      "Leave the content of a file above 1 MB out, and upload it to the address in the answer.",
    );
  }
  return bytes;
}

function decoded(base64: string | undefined): Uint8Array | undefined {
  if (base64 === undefined) return undefined;
  if (/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(base64)) return Buffer.from(base64, "base64");
  throw wrong("content_base64", "Use base64.");
}

function wrong(field: string, detail: string): Problem {
  return new Problem("validation_failed", detail, { errors: { [field]: detail } });
}

const MATCH_ON = {
  contacts: ["external_id", "email"],
  companies: ["external_id", "name"],
  deals: ["external_id"],
  tasks: ["external_id"],
};

async function insertImport(sql: Sql, input: ImportInput, isUpload: boolean): Promise<string> {
  const { content: _content, content_base64: _base64, ...options } = input;
  const id = crypto.randomUUID();
  const match_on = input.match_on ?? MATCH_ON[input.record_type];
  // The database chooses the path.
  const path = isUpload ? "" : null;
  await sql`
    select private.create_import(
      ${id}::uuid, ${JSON.stringify({ ...options, match_on, path })}::text::jsonb
    )`;
  return id;
}
