/** The bytes of an import's file: in the database, or in the storage when it was uploaded. */
import type { Sql } from "../../_shared/database/database.ts";
import { Problem } from "../../_shared/problem.ts";
import type { Storage } from "../../_shared/storage.ts";
import type { StoredImport } from "./queries.ts";
import { BLOCK_BYTES } from "./reader.ts";

export const BUCKET = "portico-imports";

/** Reads at most `count` bytes from a position. */
export async function readBytes(
  sql: Sql,
  storage: Storage,
  { id, path }: Pick<StoredImport, "id" | "path">,
  position: number,
  count: number,
): Promise<Uint8Array> {
  if (path === null) {
    const [row] = await sql<{ bytes: Uint8Array | null }[]>`
      select private.import_bytes(${id}::uuid, ${position}::integer, ${count}::integer) as bytes`;
    return row?.bytes ?? new Uint8Array(0);
  }
  const part = await storage.bytes({ bucket: BUCKET, path }, position, position + count);
  if (!part) throw notUploaded();
  return part.bytes;
}

/**
 * Reads the file of one import. It keeps the last block, which has the rows of several chunks.
 * Returns `count` bytes from the import's position on, or those up to the end of the file.
 */
export type FileReader = (
  sql: Sql,
  stored: StoredImport,
  count: number,
) => Promise<Uint8Array>;

/** Creates a reader. It reads a block at once, and `count` may be at most as much. */
export function createFileReader(storage: Storage): FileReader {
  let kept = { start: 0, bytes: new Uint8Array(0) as Uint8Array };
  return async (sql, stored, count) => {
    const { position } = stored;
    const end = Math.min(position + count, stored.size ?? 0);
    if (position < kept.start || end > kept.start + kept.bytes.length) {
      kept = {
        start: position,
        bytes: await readBytes(sql, storage, stored, position, BLOCK_BYTES),
      };
    }
    const offset = position - kept.start;
    return kept.bytes.subarray(offset, offset + count);
  };
}

/** Returns the problem of a file that is not in the storage. */
export function notUploaded(): Problem {
  return new Problem(
    "import_not_ready",
    "Upload the file to upload_url first, then send POST /imports/{id}/inspect.",
  );
}
