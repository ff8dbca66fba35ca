/**
 * Client of the Portico API, for browsers, Deno and Node 20.3 or later.
 *
 * ```ts
 * const portico = createClient({ url: "https://<project>.supabase.co/functions/v1/api", token });
 * for await (const contact of portico.contacts.list({ status: { in: ["hot", "warm"] } })) …
 * ```
 */
import { Portico } from "./portico.ts";
import { type ClientOptions, Transport } from "./runtime.ts";
import { type SupabaseOptions, withSupabase } from "./supabase.ts";

/**
 * Creates a client. It sends nothing yet. With `supabase` it uses the address, the key and the
 * session of a client of supabase-js: `createClient({ supabase })`.
 * Throws TypeError when there is no `url`, or when it is not an http or https address.
 */
export function createClient(options: ClientOptions | SupabaseOptions): Portico {
  return new Portico(new Transport("supabase" in options ? withSupabase(options) : options));
}

export type { CallOptions, ClientOptions, Request, SentRequest } from "./runtime.ts";
export type { SupabaseClientLike, SupabaseOptions } from "./supabase.ts";
export type { UploadOptions } from "./attachments.ts";
export type { ExportQuery, FileCall } from "./fileCall.ts";
export type { Feed } from "./feed.ts";
export { Call, type Page, PageCall, type WithResponse } from "./call.ts";
export {
  type ErrorCode,
  PorticoConnectionError,
  PorticoError,
  PorticoTimeoutError,
  type ProblemBody,
} from "./errors.ts";
export type { Portico } from "./portico.ts";
export type * from "./generated/client.ts";
export type * from "./generated/types.ts";
export type { Changed, CountedPage, PageOf, Selected, Sort } from "./records.ts";
