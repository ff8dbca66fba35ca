/** Requests to `/storage/v1`, made fit for the storage server of the stack. */

import { rewritten } from "./sessions.ts";

const UNNAMED = 'form-data; name="";';
const NAMED = 'form-data; name="file";';

/**
 * supabase-js sends a Blob as the part of a form that has no name; the storage server looks for one
 * named `file`, and form parsers drop the nameless. Any other request passes as it came.
 */
export async function nameUploadedFile(request: Request): Promise<Request> {
  if (!request.headers.get("Content-Type")?.startsWith("multipart/form-data")) return request;
  const bytes = await request.bytes();
  // One character per byte, so that positions are the same in both.
  const position = new TextDecoder("latin1").decode(bytes).indexOf(UNNAMED);
  if (position < 0) return rewritten(request, request.url, new Blob([bytes]));
  const [before, after] = [bytes.slice(0, position), bytes.slice(position + UNNAMED.length)];
  return rewritten(request, request.url, new Blob([before, NAMED, after]));
}
