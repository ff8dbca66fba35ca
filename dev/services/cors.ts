/** CORS of the platform's own services: any origin, because every request has an API key. */

const EXPOSED = [
  "Content-Encoding",
  "Content-Location",
  "Content-Range",
  "Content-Type",
  "Date",
  "Link",
  "Location",
  "Preference-Applied",
  "Range-Unit",
  "X-Sb-Error-Code",
  "X-Supabase-Api-Version",
  "X-Total-Count",
].join(", ");

/** The answer to a preflight; null for any other request, even an OPTIONS that is no preflight. */
export function answerPreflight(request: Request): Response | null {
  const method = request.headers.get("Access-Control-Request-Method");
  if (request.method !== "OPTIONS" || method === null) return null;
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers") ??
        "authorization, apikey, content-type, x-client-info",
      "Access-Control-Max-Age": "86400",
    },
  });
}

/** The answer with the headers that let a page of any origin read it. */
export function withCors(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("Access-Control-Allow-Origin", "*");
  headers.set("Access-Control-Expose-Headers", EXPOSED);
  headers.delete("Access-Control-Allow-Credentials");
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
