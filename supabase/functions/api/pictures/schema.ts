/** The schemas of pictures: avatars of contacts and members, and logos of companies. */
import * as z from "zod";

/** Bytes of an image inside a record. An icon with the sizes 16, 32 and 48 pixels needs as many. */
export const INLINE_BYTES = 16_384;
/** Characters of such an image as a data URL. The database has the same limit. */
const INLINE_LENGTH = 22_000;
/** Bytes of a request that may contain a photo. */
export const PHOTO_REQUEST_BYTES = 5_000_000;
/** Characters of a photo as a data URL. The rest of the request has room beside it. */
const PHOTO_LENGTH = 4_900_000;

/** A stored picture. Atomic CRM's clients may add fields. */
export const Picture = z.looseObject({
  src: z.string().nullish().describe("The URL of the image, or a data URL of at most 16 kB."),
  title: z.string().nullish(),
  path: z.string().nullish().describe("Path of the file in the bucket `attachments`."),
  type: z.string().nullish(),
}).meta({ id: "Picture" });
export type Picture = z.output<typeof Picture>;

const fields = {
  title: z.string().max(500).nullish(),
  path: z.string().max(1_000).nullish(),
  type: z.string().max(255).nullish(),
};

/** The picture of a new or changed record. The database checks that a data URL contains an image. */
export const PictureInput = z.looseObject({
  src: z.string().max(
    INLINE_LENGTH,
    "A picture in the record has at most 16 kB. Upload a larger one to the storage, and use the " +
      "URL of the file as src.",
  ).describe("A URL, or a PNG, JPEG, GIF, WebP or ICO image as a data URL of at most 16 kB."),
  ...fields,
}).meta({ id: "PictureInput" });

/** The picture of a user, which may be a whole photo. */
export const PhotoInput = z.looseObject({
  src: z.string().max(PHOTO_LENGTH, "Use a photo of at most 3.6 MB.").describe(
    "A URL, or an image as a data URL. An image above 16 kB becomes a file in the storage.",
  ),
  ...fields,
}).meta({ id: "PhotoInput" });
export type PhotoInput = z.output<typeof PhotoInput>;
