/** Stores uploaded files in a directory: the bytes in one file, their metadata in another. */

import { join } from "@std/path";
import type { StorageAdapter } from "./lite.ts";

type ObjectMetadata = Awaited<ReturnType<StorageAdapter["headObject"]>>;
type ObjectResponse = Awaited<ReturnType<StorageAdapter["getObject"]>>;
type Body = Parameters<StorageAdapter["uploadObject"]>[3];

/** Implements lite's storage adapter. Reading a missing file throws Deno.errors.NotFound. */
export class FileStorage implements StorageAdapter {
  constructor(readonly driver: string) {}

  async getObject(bucket: string, key: string): Promise<ObjectResponse> {
    const metadata = await this.headObject(bucket, key);
    const body = new Blob([await Deno.readFile(await this.#path(bucket, key))]);
    return { metadata, httpStatusCode: 200, body };
  }

  async uploadObject(
    bucket: string,
    key: string,
    _version: string | undefined,
    body: Body,
    contentType: string,
    cacheControl: string,
  ): Promise<ObjectMetadata> {
    const path = await this.#path(bucket, key);
    await Deno.mkdir(join(this.driver, encodeURIComponent(bucket)), { recursive: true });
    const bytes = await readAll(body);
    await Deno.writeFile(path, bytes);
    const metadata = {
      cacheControl,
      contentLength: bytes.length,
      size: bytes.length,
      mimetype: contentType,
      lastModified: new Date(),
      eTag: `"${await sha256(bytes)}"`,
      httpStatusCode: 200,
    };
    await Deno.writeTextFile(`${path}.json`, JSON.stringify(metadata));
    return metadata;
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const path = await this.#path(bucket, key);
    for (const file of [path, `${path}.json`]) {
      await Deno.remove(file).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }

  async deleteObjects(bucket: string, keys: string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.deleteObject(bucket, key)));
  }

  async copyObject(
    bucket: string,
    key: string,
    _version: string | undefined,
    toBucket: string,
    toKey: string,
  ): Promise<ObjectMetadata> {
    const [metadata, bytes] = [
      await this.headObject(bucket, key),
      await Deno.readFile(await this.#path(bucket, key)),
    ];
    const { mimetype, cacheControl } = metadata;
    return await this.uploadObject(toBucket, toKey, undefined, bytes, mimetype, cacheControl);
  }

  async headObject(bucket: string, key: string): Promise<ObjectMetadata> {
    const text = await Deno.readTextFile(`${await this.#path(bucket, key)}.json`);
    const metadata: ObjectMetadata = JSON.parse(text);
    return { ...metadata, lastModified: new Date(metadata.lastModified ?? 0) };
  }

  async privateAssetUrl(bucket: string, key: string): Promise<string> {
    return new URL(`file://${await Deno.realPath(await this.#path(bucket, key))}`).href;
  }

  /** The path of a key. Its hash is the name, so that no key leaves the directory or is too long. */
  async #path(bucket: string, key: string): Promise<string> {
    const name = await sha256(new TextEncoder().encode(key));
    return join(this.driver, encodeURIComponent(bucket), name);
  }
}

async function readAll(body: Body): Promise<Uint8Array<ArrayBuffer>> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  const chunks: BlobPart[] = [];
  for await (const chunk of body) chunks.push(new Uint8Array(chunk));
  return await new Blob(chunks).bytes();
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
