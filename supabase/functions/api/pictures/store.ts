/** Storing an image: a small one in the record, a larger one as a file. */
import type { Storage } from "../../_shared/storage.ts";
import { dataUrlOf, type Image } from "./images.ts";
import { INLINE_BYTES, type Picture } from "./schema.ts";

/** The public bucket, in which Atomic CRM's clients store pictures too. */
const BUCKET = "attachments";

/**
 * Returns the picture to store in a record.
 * @param reserve returns the path for a file name, after the file was queued for removal in case that no
 *   record uses it.
 * @throws Problem `storage_unavailable`.
 */
export async function storePicture(
  storage: Storage,
  image: Image,
  title: string | null | undefined,
  reserve: (fileName: string) => Promise<string>,
): Promise<Picture> {
  const { bytes, type, ending } = image;
  if (bytes.length <= INLINE_BYTES) return { src: dataUrlOf(image), title, type };
  const path = await reserve(`${crypto.randomUUID()}.${ending}`);
  const src = await storage.upload({ bucket: BUCKET, path }, bytes, type);
  return { src, title, path, type };
}

/** Returns the path of a workspace's picture. */
export function picturePath(workspaceId: string, fileName: string): string {
  return `${workspaceId}/pictures/${fileName}`;
}
