/** A proxy in front of the real API that fails the given requests. */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { stack } from "../support/workspace.ts";

/** The fault of a request. `lost`: the API does the work, and the connection breaks before the answer. */
export type Fault = "pass" | "lost" | "silent" | (() => Response);

export interface FaultyNetwork extends AsyncDisposable {
  /** The address of the API through the proxy. */
  url: string;
  /** The requests so far. */
  seen: { method: string; headers: Headers }[];
}

/** Starts the proxy. The faults apply to the first requests in turn, and later requests pass. */
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

/** Sends the beginning of an answer, because fetch retries when a connection ends before it. */
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
