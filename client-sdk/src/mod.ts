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

/**
 * Creates a client. It sends nothing yet.
 * Throws TypeError when `url` is not an http or https address.
 */
export function createClient(options: ClientOptions): Portico {
  return new Portico(new Transport(options));
}

export type { CallOptions, ClientOptions, Request } from "./runtime.ts";
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
