/** Files for attachments, uploaded to the addresses that the gateway answers. */
import * as z from "zod";
import { type Answer, answerOf, type Api, type TestMember } from "./workspace.ts";

/** Content that begins with the bytes of its type. */
export const CONTENT: Record<string, Uint8Array<ArrayBuffer>> = {
  "image/png": bytesOf("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
  "application/pdf": bytesOf("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
  "text/plain": new TextEncoder().encode("Zoë said: 100 < 200 & it is agreed.\n"),
};

const uploadSchema = z.object({ path: z.string(), upload_url: z.string(), token: z.string() });

/** One byte per character. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Requests an address to upload to. Throws when it is refused. */
export async function askForUpload(
  api: Api,
  file_name: string,
  content_type: string,
  size = 1_000,
) {
  const answer = await api.post("/attachments", { file_name, content_type, size });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return uploadSchema.parse(answer.body);
}

/** Uploads bytes to an address. */
export async function put(
  address: string,
  content: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<Answer> {
  const headers = { "Content-Type": contentType };
  return await answerOf(await fetch(address, { method: "PUT", headers, body: content }));
}

/** Uploads a file of a type as a member. Returns its path. */
export async function upload(
  member: TestMember,
  fileName = "Offer.pdf",
  contentType = "application/pdf",
  content = CONTENT[contentType],
): Promise<string> {
  const { path, upload_url } = await askForUpload(member.api, fileName, contentType);
  const answer = await put(upload_url, content ?? new Uint8Array(), contentType);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return path;
}

/** Downloads a file from the address that the gateway answers. The answer's body is its text. */
export async function download(api: Api, path: string): Promise<Response> {
  const answer = await api.get(`/attachments/url?path=${encodeURIComponent(path)}`);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return await fetch(answer.body.url);
}
