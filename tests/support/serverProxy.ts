/**
 * An HTTP proxy in front of the stack's auth and storage servers: it counts their calls, and can fail
 * at any call, like a failing network or server. It uses Node's server, which can break a connection in
 * the middle of an answer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { stack } from "./workspace.ts";

/**
 * What happens to a call:
 * - `down`: the connection breaks before the server gets the call;
 * - `error`: the server answers 500 without doing anything;
 * - `after`: the server does it, and the connection breaks before its answer;
 * - `half`: the server does it, and the connection breaks in the middle of its answer;
 * - `garbage`: the server does it, and something else answers 200 with HTML;
 * - `silence`: the server does it, and its answer never arrives;
 * - `limited`: the auth server has sent too many mails, and refuses the next. Other calls succeed.
 */
export type CallFault = "down" | "error" | "after" | "half" | "garbage" | "silence" | "limited";

/** The faults that can happen to any call. */
export const CALL_FAULTS: readonly CallFault[] = [
  "down",
  "error",
  "after",
  "half",
  "garbage",
  "silence",
];

/** A running proxy. */
export interface ServerProxy extends AsyncDisposable {
  /** The address that the function uses instead of the stack's. */
  url: string;
  /** Calls since `watch`. */
  calls: number;
  /** Counts from zero again. Fails at the n-th call, and with `forGood` at all later ones too. */
  watch(failAt?: number, fault?: CallFault, forGood?: boolean): void;
}

/** Starts a proxy on a free port. */
export async function startServerProxy(): Promise<ServerProxy> {
  const plan = { failAt: Infinity, fault: "down" as CallFault, forGood: false };
  const server = createServer(async (request, response) => {
    proxy.calls += 1;
    const fails = plan.forGood ? proxy.calls >= plan.failAt : proxy.calls === plan.failAt;
    await answer(request, response, fails ? plan.fault : undefined);
  });
  const proxy: ServerProxy = {
    url: `http://127.0.0.1:${await listen(server)}`,
    calls: 0,
    watch(failAt = Infinity, fault = "down", forGood = false) {
      Object.assign(plan, { failAt, fault, forGood });
      proxy.calls = 0;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fault: CallFault | undefined,
): Promise<void> {
  if (fault === "down") return void response.destroy();
  if (fault === "error") return sendError(response, 500, "unexpected_failure");
  if (fault === "limited" && isMail(request)) {
    return sendError(response, 429, "over_email_send_rate_limit");
  }
  const { status, headers, body } = await forward(request);
  if (fault === "silence") return;
  if (fault === "after") return void response.destroy();
  if (fault === "garbage") {
    response.writeHead(200, { "content-type": "text/html" });
    return void response.end("<html><body>Welcome to the captive portal</body></html>");
  }
  response.writeHead(status, { ...headers, "content-length": String(body.length) });
  if (fault !== "half") return void response.end(body);
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

/** The auth server mails at `POST /recover`. */
function isMail({ url = "" }: IncomingMessage): boolean {
  return new URL(url, stack.apiUrl).pathname === "/auth/v1/recover";
}

/** Answers as the auth server does. Source: Supabase Auth, "Error codes". */
function sendError(response: ServerResponse, code: number, error_code: string): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify({ code, error_code, msg: "The server refused the request" }));
}

async function forward(request: IncomingMessage) {
  const { url, method, headers } = request;
  const { host: _host, connection: _connection, ...kept } = headers;
  const answer = await fetch(stack.apiUrl + url, {
    method,
    headers: kept as Record<string, string>,
    body: method === "GET" || method === "HEAD" ? undefined : await readAll(request),
  });
  const { "content-encoding": _encoding, "transfer-encoding": _transfer, ...returned } = Object
    .fromEntries(answer.headers);
  return { status: answer.status, headers: returned, body: await answer.bytes() };
}

async function readAll(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: BlobPart[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return await new Blob(chunks).bytes();
}
