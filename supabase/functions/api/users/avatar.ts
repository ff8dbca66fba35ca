/** Storing the avatar of a user. Atomic CRM's clients send a photo as a data URL. */
import type { Member, Sql } from "../../_shared/database/database.ts";
import type { SagaContext } from "../../_shared/operation.ts";
import { Problem, type ProblemCode } from "../../_shared/problem.ts";
import { imageOfDataUrl } from "../pictures/images.ts";
import type { PhotoInput } from "../pictures/schema.ts";
import { picturePath, storePicture } from "../pictures/store.ts";

/** The problems of storing an avatar. */
export const AVATAR_PROBLEMS: readonly ProblemCode[] = ["invalid_picture", "storage_unavailable"];

/**
 * Returns the changes with the avatar as it is stored.
 * @param check throws when the caller may not change the user. It is called before a file is stored.
 * @throws Problem one of `AVATAR_PROBLEMS`.
 */
export async function withStoredAvatar<Changes extends { avatar?: PhotoInput | null }>(
  { storage, transaction }: SagaContext,
  changes: Changes,
  check: (sql: Sql, member: Member) => Promise<void>,
): Promise<Changes> {
  const { avatar } = changes;
  if (!avatar || !/^data:/i.test(avatar.src)) return changes;
  const image = imageOfDataUrl(avatar.src);
  if (!image) throw notAnImage();
  const reserve = (fileName: string) =>
    transaction(async (sql, member) => {
      await check(sql, member);
      const path = picturePath(member.workspace_id, fileName);
      await sql`select private.queue_upload(${path})`;
      return path;
    });
  return { ...changes, avatar: await storePicture(storage, image, avatar.title, reserve) };
}

function notAnImage(): Problem {
  const detail = "Use a PNG, JPEG, GIF, WebP or ICO image.";
  return new Problem("invalid_picture", detail, { errors: { avatar: detail } });
}
