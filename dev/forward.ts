/** Passes HTTP requests on to another server, streaming both bodies. */

/** Headers that speak of one connection alone (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Sends `request` to the same path on `origin` and returns the answer as it comes.
 * Throws TypeError when the server is not reachable or breaks off.
 */
export async function forward(
  request: Request,
  origin: string,
  signal?: AbortSignal,
): Promise<Response> {
  const url = new URL(request.url);
  const headers = endToEnd(request.headers);
  // This side compresses for the client; compressed here it would be unpacked on the way.
  headers.set("accept-encoding", "identity");
  const upload = request.body && uploadOf(request.body);
  const response = await fetch(`${origin}${url.pathname}${url.search}`, {
    method: request.method,
    headers,
    body: upload?.stream,
    redirect: "manual",
    signal,
  });
  // A server that has answered wants no more of the body. Discarded, the client's connection lives on.
  await upload?.discard();
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers: endToEnd(response.headers),
  });
}

/** A body to send on: fetch, when answered early, would leave the rest of it locked and unread. */
function uploadOf(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = body.getReader();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  return { stream, discard: () => reader.cancel() };
}

function endToEnd(headers: Headers): Headers {
  const copy = new Headers(headers);
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim());
  for (const name of [...HOP_BY_HOP, ...named]) {
    if (name !== "") copy.delete(name);
  }
  return copy;
}
