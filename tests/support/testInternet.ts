/** An internet of a test: names that lead to one local server. Addresses are checked as in production. */
import type { Network } from "../../supabase/functions/_shared/internet/internet.ts";

/** A public address. Every name of a test's internet has it unless the test gives another one. */
export const PUBLIC_ADDRESS = "93.184.215.14";

type Site = (request: Request) => Response | Promise<Response>;

export interface TestInternet extends AsyncDisposable {
  network: Network;
  /** Host name → what it answers. */
  sites: Map<string, Site>;
  /** Host name → its addresses, where they are not `PUBLIC_ADDRESS`. */
  addresses: Map<string, string[]>;
  /** The URLs that were requested, in order. */
  requested: string[];
  /** The connections that were opened: `<address>:<port> <TLS name>`. */
  connected: string[];
}

/** Starts the server. */
export function startTestInternet(): TestInternet {
  const sites = new Map<string, Site>();
  const addresses = new Map<string, string[]>();
  const requested: string[] = [];
  const connected: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const host = request.headers.get("Host") ?? "";
    const { pathname, search } = new URL(request.url);
    requested.push(`${host}${pathname}${search}`);
    return await (sites.get(host)?.(request) ?? new Response(null, { status: 404 }));
  });
  const network: Network = {
    resolve: (name) =>
      Promise.resolve(addresses.get(name) ?? (sites.has(name) ? [PUBLIC_ADDRESS] : [])),
    connect: (address, port, tlsName) => {
      connected.push(`${address}:${port} ${tlsName ?? ""}`.trim());
      return Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    },
  };
  const close = () => server.shutdown();
  return { network, sites, addresses, requested, connected, [Symbol.asyncDispose]: close };
}
