/** Forwards HTTP requests to another server and streams both bodies. */

/** Headers that are about one connection only (RFC 9110, section 7.6.1). */
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
 * Sends `request` to the same path on `origin` and returns the answer as it arrives.
 * Throws TypeError when the server cannot be reached or closes the connection early.
 */
export async function forward(
  request: Request,
  origin: string,
  signal?: AbortSignal,
): Promise<Response> {
  const url = new URL(request.url);
  const headers = endToEnd(request.headers);
  // fetch would decompress the answer; the gateway compresses it for the client anyway.
  headers.set("accept-encoding", "identity");
  const upload = request.body && uploadOf(request.body);
  const response = await fetch(`${origin}${url.pathname}${url.search}`, {
    method: request.method,
    headers,
    body: upload?.stream,
    redirect: "manual",
    signal,
  });
  // The server has answered without reading the whole body. Reading the rest keeps the client's
  // connection usable.
  await upload?.discard();
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers: endToEnd(response.headers),
  });
}

/** A body to forward. When fetch is answered early, it leaves the rest locked and unread. */
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
