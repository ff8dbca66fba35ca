/**
 * Client of the storage server. It uses the secret key, so an operation checks the caller's
 * permission in the database first. The library loads on the first use. Source:
 * https://supabase.com/docs/reference/javascript/storage-from-createsigneduploadurl
 */
import type { Bytes } from "./bytes.ts";
import type { StorageClient } from "@supabase/storage-js";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";
import { withSecretKey } from "./supabaseAdmin.ts";

/** A file in the storage: its bucket, and its path in the bucket. */
export interface StoredFile {
  bucket: string;
  path: string;
}

/** Every method throws `storage_unavailable` when the storage server fails. */
export interface Storage {
  /**
   * Returns an address to upload one file to. It is valid for two hours, without further sign-in.
   */
  signUpload(file: StoredFile): Promise<{ url: string; token: string }>;
  /** Returns an address to download the file as `fileName`, valid for `seconds`. */
  signDownload(file: StoredFile, seconds: number, fileName: string): Promise<string>;
  /**
   * Returns at most `count` bytes from the start of a file, or undefined when it does not exist.
   */
  firstBytes(file: StoredFile, count: number): Promise<Uint8Array | undefined>;
  /**
   * Returns the bytes of a file from `start` to before `end`, and the size of the whole file.
   * Undefined when the file does not exist.
   */
  bytes(
    file: StoredFile,
    start: number,
    end: number,
  ): Promise<{ bytes: Uint8Array; size: number } | undefined>;
  /** Stores a new file. Returns its public URL, which works when the bucket is public. */
  upload(
    file: StoredFile,
    bytes: Bytes,
    contentType: string,
  ): Promise<string>;
  /** Removes files. Files that do not exist are ignored. */
  remove(bucket: string, paths: string[]): Promise<void>;
}

/** Creates the client. It sends nothing yet. */
export function createStorage(settings: Settings): Storage {
  let client: Promise<StorageClient> | undefined;
  const from = async (bucket: string) =>
    (await (client ??= createStorageClient(settings))).from(bucket);
  return {
    signUpload: async ({ bucket, path }) => {
      const { data, error } = await (await from(bucket)).createSignedUploadUrl(path);
      if (error) throw unavailable(error);
      return { url: publicAddress(settings, data.signedUrl), token: data.token };
    },
    signDownload: async ({ bucket, path }, seconds, fileName) => {
      const options = { download: fileName };
      const { data, error } = await (await from(bucket)).createSignedUrl(path, seconds, options);
      if (error) throw unavailable(error);
      return publicAddress(settings, data.signedUrl);
    },
    firstBytes: async (file, count) => (await bytesOf(settings, file, 0, count))?.bytes,
    bytes: (file, start, end) => bytesOf(settings, file, start, end),
    upload: async ({ bucket, path }, bytes, contentType) => {
      const files = await from(bucket);
      const { error } = await files.upload(path, bytes, { contentType });
      if (error) throw unavailable(error);
      return publicAddress(settings, files.getPublicUrl(path).data.publicUrl);
    },
    remove: async (bucket, paths) => {
      const { error } = await (await from(bucket)).remove(paths);
      if (error) throw unavailable(error);
    },
  };
}

async function createStorageClient(settings: Settings): Promise<StorageClient> {
  const { StorageClient } = await import("@supabase/storage-js");
  const { headers, fetch } = withSecretKey(settings);
  return new StorageClient(`${settings.supabaseUrl}/storage/v1`, headers, fetch);
}

/** Replaces the internal address, which clients may not reach, by the public one. */
function publicAddress({ supabaseUrl, publicUrl }: Settings, address: string): string {
  return address.startsWith(supabaseUrl) ? publicUrl + address.slice(supabaseUrl.length) : address;
}

/** Uses `fetch`, since the library cannot read a part of a file. Servers may ignore `Range`. */
async function bytesOf(
  settings: Settings,
  { bucket, path }: StoredFile,
  start: number,
  end: number,
): Promise<{ bytes: Uint8Array; size: number } | undefined> {
  const address = [bucket, ...path.split("/")].map(encodeURIComponent).join("/");
  const response = await fetch(`${settings.supabaseUrl}/storage/v1/object/${address}`, {
    headers: {
      apikey: settings.secretKey,
      Authorization: `Bearer ${settings.secretKey}`,
      Range: `bytes=${start}-${end - 1}`,
    },
    signal: AbortSignal.timeout(settings.timeLimits.answer),
  }).catch((cause) => {
    throw unavailable(cause);
  });
  if (response.ok && response.body) return await readPart(response, start, end);
  // No byte of the file is in the range.
  if (response.status === 416) return { bytes: new Uint8Array(0), size: sizeOf(response) };
  await response.body?.cancel();
  if (response.status === 404 || response.status === 400) return undefined;
  throw unavailable(response.status);
}

/** Skips the bytes before `start` when the server has sent the whole file. */
async function readPart(response: Response, start: number, end: number) {
  const bytes = new Uint8Array(end - start);
  let position = response.status === 206 ? start : 0;
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      const part = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
      bytes.set(part, length);
      length += part.length;
      position += chunk.length;
      if (length === bytes.length) break;
    }
  } catch (cause) {
    throw unavailable(cause);
  }
  return { bytes: bytes.subarray(0, length), size: sizeOf(response) };
}

/** `Content-Range: bytes 0-99/1234` (RFC 9110, section 14.4), else the length of the whole file. */
function sizeOf({ headers }: Response): number {
  const [, total] = /\/(\d+)$/.exec(headers.get("Content-Range") ?? "") ?? [];
  return Number(total ?? headers.get("Content-Length") ?? 0);
}

function unavailable(cause: unknown): Problem {
  const detail = "The file storage cannot be reached. Try again in a moment.";
  return new Problem("storage_unavailable", detail, { headers: { "Retry-After": "5" }, cause });
}
