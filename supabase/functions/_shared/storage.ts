/**
 * The storage server with the secret key: it signs addresses, reads the beginning of a file and removes
 * files, after the database has said that the caller may. The client loads on the first use.
 * Source: https://supabase.com/docs/reference/javascript/storage-from-createsigneduploadurl
 */
import type { StorageClient } from "@supabase/storage-js";
import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";
import { withSecretKey } from "./supabaseAdmin.ts";

/** A file: its bucket, and its path in it. */
export interface StoredFile {
  bucket: string;
  path: string;
}

/** Every call throws `storage_unavailable` when the storage server does not do its work. */
export interface Storage {
  /** An address that one file may be uploaded to, by whoever has it, for two hours. */
  signUpload(file: StoredFile): Promise<{ url: string; token: string }>;
  /** An address that saves the file under a name, for so many seconds; never shown inline. */
  signDownload(file: StoredFile, seconds: number, fileName: string): Promise<string>;
  /** Up to so many bytes from the beginning of a file; undefined when it does not exist. */
  firstBytes(file: StoredFile, count: number): Promise<Uint8Array | undefined>;
  /** Removes files; those that do not exist are no error. */
  remove(bucket: string, paths: string[]): Promise<void>;
}

const ANSWER_WITHIN_MS = 4_000;

/** Connects lazily. */
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
    firstBytes: (file, count) => firstBytes(settings, file, count),
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

/** Where clients reach the storage: functions may know it by a name of an inner network. */
function publicAddress({ supabaseUrl, publicUrl }: Settings, address: string): string {
  return address.startsWith(supabaseUrl) ? publicUrl + address.slice(supabaseUrl.length) : address;
}

/** The client has no call for a part of a file. A server may send all of it: the rest is not read. */
async function firstBytes(
  settings: Settings,
  { bucket, path }: StoredFile,
  count: number,
): Promise<Uint8Array | undefined> {
  const address = [bucket, ...path.split("/")].map(encodeURIComponent).join("/");
  const response = await fetch(`${settings.supabaseUrl}/storage/v1/object/${address}`, {
    headers: {
      apikey: settings.secretKey,
      Authorization: `Bearer ${settings.secretKey}`,
      Range: `bytes=0-${count - 1}`,
    },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((cause) => {
    throw unavailable(cause);
  });
  if (response.ok && response.body) return await readUpTo(response.body, count);
  await response.body?.cancel();
  if (response.status === 404 || response.status === 400) return undefined;
  throw unavailable(response.status);
}

async function readUpTo(body: ReadableStream<Uint8Array>, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let length = 0;
  try {
    for await (const chunk of body) {
      const part = chunk.subarray(0, count - length);
      bytes.set(part, length);
      length += part.length;
      if (length === count) break;
    }
  } catch (cause) {
    throw unavailable(cause);
  }
  return bytes.subarray(0, length);
}

function unavailable(cause: unknown): Problem {
  return new Problem(
    "storage_unavailable",
    "The storage of files cannot be reached. Try again in a moment.",
    { headers: { "Retry-After": "5" }, cause },
  );
}
