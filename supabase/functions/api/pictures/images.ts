/**
 * Images, recognised by their first bytes: PNG, JPEG, GIF, WebP, and ICO for icons of websites. SVG is
 * refused, because it may contain scripts.
 */
import type { Bytes } from "../../_shared/bytes.ts";
import { fitsContent } from "../attachments/contentTypes.ts";

/** The bytes of an image, with the type that they have. */
export interface Image {
  bytes: Bytes;
  type: string;
  /** Ending of the name of a file with this type. */
  ending: string;
}

const ENDINGS = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
};
const ICON = [0, 0, 1, 0];

/** Returns the image that the bytes contain; undefined when they are no image. */
export function imageOf(bytes: Bytes): Image | undefined {
  if (ICON.every((byte, index) => bytes[index] === byte)) {
    return { bytes, type: "image/x-icon", ending: "ico" };
  }
  const known = Object.entries(ENDINGS).find(([type]) => fitsContent(type, bytes));
  return known && { bytes, type: known[0], ending: known[1] };
}

/**
 * Returns the image of a data URL in base64; undefined when it contains no image. Its bytes decide on the
 * type. Source: RFC 2397.
 */
export function imageOfDataUrl(url: string): Image | undefined {
  const comma = url.indexOf(",");
  if (!/^data:[^,]*;base64$/i.test(url.slice(0, Math.max(comma, 0)))) return undefined;
  try {
    return imageOf(bytesOf(atob(url.slice(comma + 1))));
  } catch {
    return undefined;
  }
}

/** Returns the data URL of an image. */
export function dataUrlOf({ bytes, type }: Image): string {
  return `data:${type};base64,${btoa(String.fromCharCode(...bytes))}`;
}

function bytesOf(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
