/** Serves the documentation site under `/docs` on the local stack. Pages of every origin may read it. */

import { Hono } from "hono";
import { cors } from "hono/cors";
import { serveStatic } from "hono/deno";

/** Answers requests for `/docs` and what is below it, from the files of a directory. */
export function docsServer(directory: string): (request: Request) => Promise<Response> {
  const app = new Hono();
  app.use(cors({ origin: "*", allowMethods: ["GET", "HEAD"] }));
  // The site's addresses are relative, so its home page needs the slash.
  app.get("/docs", (context) => context.redirect("/docs/", 308));
  app.use(
    "/docs/*",
    serveStatic({
      root: directory,
      rewriteRequestPath: (path) => path.slice("/docs".length),
      onFound: (_path, context) => context.header("Cache-Control", "no-cache"),
    }),
  );
  app.on(["GET", "HEAD"], "*", (context) =>
    context.text(
      "There is no such page. `deno task build-docs` builds the site.",
      404,
    ));
  app.all("*", (context) => context.text("Use GET.", 405, { Allow: "GET, HEAD" }));
  return async (request) => await app.fetch(request);
}
