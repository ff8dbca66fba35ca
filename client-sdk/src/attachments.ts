/** Uploads of files. */
import { PorticoConnectionError, PorticoError } from "./errors.ts";
import { AttachmentsResource } from "./generated/client.ts";
import type { AttachmentInput } from "./generated/types.ts";
import type { CallOptions } from "./runtime.ts";

/** Options of an upload. */
export interface UploadOptions extends CallOptions {
  /** Name of the file in the note. Default: its own name. */
  name?: string | undefined;
  /** Is told how many bytes have been sent. Outside browsers it is told only when all have. */
  onProgress?: ((sent: number, size: number) => void) | undefined;
}

/** Operations on `attachments`. */
export class Attachments extends AttachmentsResource {
  /**
   * Uploads a file, and returns it for the `attachments` of a note. Rejects with PorticoError when
   * its type or size is not allowed, or the storage refuses it.
   */
  async upload(
    file: Blob & { name?: string },
    { name = file.name ?? "file", onProgress, ...options }: UploadOptions = {},
  ): Promise<AttachmentInput> {
    const { size, type } = file;
    const { path, upload_url } = await this.create(
      { file_name: name, content_type: type, size },
      options,
    );
    const send = onProgress && Xhr ? sendWithProgress(Xhr) : sendFile;
    const response = await send(upload_url, file, options.signal, onProgress);
    if (!response.ok) throw new PorticoError(response, await response.json().catch(() => {}));
    onProgress?.(size, size);
    return { path, title: name, type, size };
  }
}

type Send = (
  url: string,
  file: Blob,
  signal: AbortSignal | undefined,
  onProgress: UploadOptions["onProgress"],
) => Promise<Response>;

const sendFile: Send = async (url, file, signal) => {
  try {
    return await fetch(url, {
      method: "PUT",
      body: file,
      headers: { "content-type": file.type },
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(cause);
  }
};

/** What is used of `XMLHttpRequest`, which only browsers have. */
interface XhrLike {
  readonly responseText: string;
  readonly status: number;
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  send(body: Blob): void;
  abort(): void;
}
const Xhr = Reflect.get(globalThis, "XMLHttpRequest") as unknown as
  | (new () => XhrLike)
  | undefined;

/** `fetch` does not tell the progress of an upload. */
const sendWithProgress = (Xhr: new () => XhrLike): Send => (url, file, signal, onProgress) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new Xhr();
    request.open("PUT", url);
    request.setRequestHeader("content-type", file.type);
    request.upload.onprogress = ({ loaded }) => onProgress?.(loaded, file.size);
    request.onload = () => resolve(new Response(request.responseText, { status: request.status }));
    request.onerror = () => reject(unreachable(undefined));
    request.onabort = () => reject(signal?.reason);
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });

function unreachable(cause: unknown): PorticoConnectionError {
  return new PorticoConnectionError("The storage could not be reached.", { cause });
}
