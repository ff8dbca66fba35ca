/**
 * `/storage/v1`: corrects the differences between the stack's storage server and supabase-js.
 * Source: https://supabase.github.io/storage/
 */

import { errors, jwtVerify } from "jose";
import { type Forward, rewritten } from "./sessions.ts";

const UNNAMED = 'form-data; name="";';
const NAMED = 'form-data; name="file";';
const PREFIX = "/storage/v1";

/** Answers a request to `/storage/v1` through the storage server, whose secret signs addresses of files. */
export async function serveStorage(
  request: Request,
  jwtSecret: string,
  send: Forward,
): Promise<Response> {
  const refusal = await refuseSignedUrl(request, jwtSecret);
  if (refusal) return refusal;
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

/**
 * Answers 400 to a signed address whose token is malformed, forged or expired, as the hosted platform
 * does. The storage server would answer 500. Returns undefined for every other request.
 */
async function refuseSignedUrl(
  { method, url }: Request,
  jwtSecret: string,
): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(url);
  const token = searchParams.get("token");
  const isSigned = method !== "POST" &&
    /^\/storage\/v1\/object\/(upload\/)?sign\//.test(pathname);
  if (!isSigned || token === null) return undefined;
  try {
    await jwtVerify(token, new TextEncoder().encode(jwtSecret), { algorithms: ["HS256"] });
    return undefined;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    const body = { statusCode: "400", error: "InvalidJWT", message: error.message };
    return Response.json(body, { status: 400 });
  }
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
