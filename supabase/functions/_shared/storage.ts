/**
 * Client of the storage server. It uses the secret key, so an operation checks the caller's
 * permission in the database first. Source: https://supabase.github.io/storage (the API's reference).
 */
import * as z from "zod";
import type { Bytes } from "./bytes.ts";
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

const SignedUpload = z.object({ url: z.string() });
const SignedDownload = z.object({ signedURL: z.string() });
const Removed = z.array(z.unknown());
const Stored = z.object({ Key: z.string() });

/** Creates the client. It sends nothing yet. */
export function createStorage(settings: Settings): Storage {
  const root = `${settings.supabaseUrl}/storage/v1`;
  const publicRoot = `${settings.publicUrl}/storage/v1`;
  const json = (body: unknown) => ({
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const call = <Answer>(
    method: string,
    path: string,
    init: RequestInit,
    answer: z.ZodType<Answer>,
  ) => callStorage(settings, `${root}${path}`, { method, ...init }, answer);
  return {
    async signUpload(file) {
      const { url } = await call(
        "POST",
        `/object/upload/sign/${pathOf(file)}`,
        json({}),
        SignedUpload,
      );
      const address = new URL(publicRoot + url);
      const token = address.searchParams.get("token");
      if (!token) throw unavailable(new Error("The storage server gave no token"));
      return { url: address.href, token };
    },
    async signDownload(file, expiresIn, fileName) {
      const path = `/object/sign/${pathOf(file)}`;
      const { signedURL } = await call("POST", path, json({ expiresIn }), SignedDownload);
      const address = new URL(publicRoot + signedURL);
      address.searchParams.set("download", fileName);
      return address.href;
    },
    firstBytes: async (file, count) => (await bytesOf(settings, file, 0, count))?.bytes,
    bytes: (file, start, end) => bytesOf(settings, file, start, end),
    async upload(file, body, contentType) {
      const headers = { "Content-Type": contentType, "Cache-Control": "max-age=3600" };
      await call("POST", `/object/${pathOf(file)}`, { headers, body }, Stored);
      return `${publicRoot}/object/public/${pathOf(file)}`;
    },
    async remove(bucket, prefixes) {
      await call("DELETE", `/object/${bucket}`, json({ prefixes }), Removed);
    },
  };
}

/** Sends a request with the secret key, and reads its answer. */
async function callStorage<Answer>(
  settings: Settings,
  address: string,
  init: RequestInit,
  answer: z.ZodType<Answer>,
): Promise<Answer> {
  const { headers, fetch } = withSecretKey(settings);
  try {
    const response = await fetch(address, { ...init, headers: { ...headers, ...init.headers } });
    if (response.ok) return answer.parse(await response.json());
    await response.body?.cancel();
    throw new Error(`The storage server answered ${response.status}`);
  } catch (cause) {
    throw unavailable(cause);
  }
}

function pathOf({ bucket, path }: StoredFile): string {
  return [bucket, ...path.split("/")].map(encodeURIComponent).join("/");
}

/** Reads a part of a file. Servers may ignore `Range`. */
async function bytesOf(
  settings: Settings,
  file: StoredFile,
  start: number,
  end: number,
): Promise<{ bytes: Uint8Array; size: number } | undefined> {
  const response = await fetch(`${settings.supabaseUrl}/storage/v1/object/${pathOf(file)}`, {
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
