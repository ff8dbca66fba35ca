/** A network that fails: a proxy before the real API which breaks the requests that it is told to. */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { stack } from "../support/workspace.ts";

/** What happens to a request. `lost`: the API does the work, then the answer breaks off. */
export type Fault = "pass" | "lost" | "silent" | (() => Response);

export interface FaultyNetwork extends AsyncDisposable {
  /** Address of the API through this network. */
  url: string;
  /** The requests so far. */
  seen: { method: string; headers: Headers }[];
}

/** Opens the network; the faults meet the requests in turn, what follows them passes. */
export async function openFaultyNetwork(...faults: Fault[]): Promise<FaultyNetwork> {
  const seen: FaultyNetwork["seen"] = [];
  const server = createServer(async (incoming, outgoing) => {
    const fault = faults[seen.length] ?? "pass";
    const headers = new Headers(Object.entries(incoming.headers).map(([k, v]) => [k, String(v)]));
    seen.push({ method: incoming.method ?? "", headers });
    if (fault === "silent") return;
    const answer = typeof fault === "function" ? fault() : await forward(incoming, headers);
    if (fault === "lost") breakOff(outgoing);
    else await send(answer, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function forward(incoming: IncomingMessage, headers: Headers): Promise<Response> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
  const sent = new Headers(headers);
  for (const name of ["host", "connection", "content-length"]) sent.delete(name);
  const method = incoming.method ?? "GET";
  return await fetch(stack.functionUrl + incoming.url, { method, headers: sent, body });
}

/** Begins the answer: a connection that ends before it, fetch would replace by itself. */
function breakOff(outgoing: ServerResponse): void {
  outgoing.writeHead(200, { "content-length": "100" });
  outgoing.write("{", () => outgoing.destroy());
}

async function send(answer: Response, outgoing: ServerResponse): Promise<void> {
  const headers = new Headers(answer.headers);
  for (const name of ["content-length", "content-encoding"]) headers.delete(name);
  outgoing.writeHead(answer.status, Object.fromEntries(headers));
  outgoing.end(await answer.text());
}
