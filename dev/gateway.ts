/**
 * The API gateway of the local stack: one port for functions, auth, REST and storage, as on the
 * hosted platform, and for the documentation. Functions answer CORS themselves: the gateway adds no
 * header to their answers.
 */

import { parse } from "@std/toml";

/** Answers a request. `clientGone` aborts when the client closes the connection. */
export type Handler = (request: Request, clientGone: AbortSignal) => Promise<Response>;

/** The services behind the gateway. */
export interface GatewayOptions {
  port: number;
  /** Slugs of the functions. */
  slugs: string[];
  /** Serves `/<slug>/…`; absent when the stack runs without functions. */
  functions?: Handler;
  /** Serves `/auth/v1`, `/rest/v1` and `/storage/v1`. */
  services: Handler;
  /** Serves `/docs`. */
  docs?: (request: Request) => Promise<Response>;
  log(line: string): void;
}

const SERVICES = /^\/(auth|rest|storage)\/v1(\/|$)/;
const DOCS = /^\/docs(\/|$)/;
const FUNCTION = /^\/functions\/v1\/([^/]+)(\/.*)?$/;

/** Starts the gateway. Throws `Deno.errors.AddrInUse`. */
export function startGateway(options: GatewayOptions): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({
    hostname: "127.0.0.1",
    port: options.port,
    onListen: () => {},
    onError(error) {
      options.log(error instanceof Error ? error.stack ?? error.message : String(error));
      return json(502, { message: "An invalid response was received from the upstream server" });
    },
  }, async (request, info) => {
    const clientGone = new AbortController();
    info.completed.catch(() => clientGone.abort());
    return await route(options, request, info.remoteAddr, clientGone.signal);
  });
}

function route(
  options: GatewayOptions,
  request: Request,
  client: Deno.Addr,
  clientGone: AbortSignal,
): Promise<Response> | Response {
  const { pathname } = new URL(request.url);
  if (SERVICES.test(pathname)) return options.services(requestTo(request.url, request), clientGone);
  if (options.docs && DOCS.test(pathname)) return options.docs(request);
  const [, slug, rest = ""] = FUNCTION.exec(pathname) ?? [];
  if (slug === undefined) return json(404, { message: "no Route matched with those values" });
  if (!options.functions || !options.slugs.includes(slug)) {
    return json(404, { code: "NOT_FOUND", message: "Requested function was not found" });
  }
  return options.functions(functionRequest(request, `/${slug}${rest}`, client), clientGone);
}

/** The request as the platform gives it to a function: its own path, and the client's address. */
function functionRequest(request: Request, path: string, client: Deno.Addr): Request {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  const address = "hostname" in client ? client.hostname : "127.0.0.1";
  const before = headers.get("x-forwarded-for");
  headers.set("x-forwarded-for", before ? `${before}, ${address}` : address);
  headers.set("x-forwarded-host", url.hostname);
  headers.set("x-forwarded-port", url.port || "80");
  headers.set("x-forwarded-proto", "http");
  return requestTo(new URL(`${path}${url.search}`, url), request, headers);
}

/** A copy without Deno's `signal`, which also aborts after a successful answer. */
function requestTo(url: string | URL, request: Request, headers = request.headers): Request {
  return new Request(url, { method: request.method, headers, body: request.body });
}

function json(status: number, body: unknown): Response {
  return Response.json(body, { status });
}

/** Reads the functions' slugs from supabase/config.toml. */
export async function readSlugs(): Promise<string[]> {
  const file = new URL("../supabase/config.toml", import.meta.url);
  const { functions } = parse(await Deno.readTextFile(file));
  return typeof functions === "object" && functions !== null ? Object.keys(functions) : [];
}
