/**
 * `/storage/v1`: corrects the differences between the stack's storage server and supabase-js.
 * Source: https://supabase.github.io/storage/
 */

import { type Forward, rewritten } from "./sessions.ts";

const UNNAMED = 'form-data; name="";';
const NAMED = 'form-data; name="file";';
const PREFIX = "/storage/v1";

/** Answers a request to `/storage/v1` through the storage server. */
export async function serveStorage(request: Request, send: Forward): Promise<Response> {
  const response = await send(await nameUploadedFile(request));
  const { pathname, searchParams } = new URL(request.url);
  const fileName = searchParams.get("download");
  if (fileName !== null) return asDownload(response, fileName);
  const signs = request.method === "POST" &&
    /^\/storage\/v1\/object\/(upload\/)?sign\//.test(pathname);
  if (!signs || !response.ok) return response;
  const property = pathname.startsWith(`${PREFIX}/object/upload/`) ? "url" : "signedURL";
  const body: unknown = await response.json();
  const renamed = Array.isArray(body)
    ? body.map((entry) => renameSignedUrl(entry, property))
    : renameSignedUrl(body, property);
  return Response.json(renamed, { status: response.status });
}

/** With `?download` or `?download=<name>` browsers save a file, as on the hosted platform. */
function asDownload(response: Response, fileName: string): Response {
  const headers = new Headers(response.headers);
  const name = fileName && `; filename*=UTF-8''${encodeURIComponent(fileName)}`;
  headers.set("Content-Disposition", `attachment${name}`);
  return new Response(response.body, { status: response.status, headers });
}

/**
 * supabase-js sends a Blob as a part of a form without a name. Form parsers drop it, and the storage
 * server looks for a part named `file`. Returns other requests unchanged.
 */
async function nameUploadedFile(request: Request): Promise<Request> {
  if (!request.headers.get("Content-Type")?.startsWith("multipart/form-data")) return request;
  const bytes = await request.bytes();
  // One character per byte, so that positions are the same in both.
  const position = new TextDecoder("latin1").decode(bytes).indexOf(UNNAMED);
  if (position < 0) return rewritten(request, request.url, new Blob([bytes]));
  const [before, after] = [bytes.slice(0, position), bytes.slice(position + UNNAMED.length)];
  return rewritten(request, request.url, new Blob([before, NAMED, after]));
}

/** Clients expect a path below `/storage/v1`, in the property that the hosted API uses. */
function renameSignedUrl(entry: unknown, property: string): unknown {
  if (typeof entry !== "object" || entry === null || !("signedUrl" in entry)) return entry;
  const { signedUrl, ...rest } = entry;
  const path = String(signedUrl).replace(PREFIX, "");
  return { ...rest, [property]: path || null };
}
