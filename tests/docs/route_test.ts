/** `/docs` of the local stack. */
import { assert, assertEquals } from "@std/assert";
import { docsServer } from "../../dev/docsServer.ts";
import { startGateway } from "../../dev/gateway.ts";
import { builtSite } from "./builtSite.ts";

const site = await builtSite();

async function withGateway(use: (url: string) => Promise<void>): Promise<void> {
  const gateway = startGateway({
    port: 0,
    slugs: [],
    services: () => Promise.resolve(new Response()),
    docs: docsServer(site),
    log: () => {},
  });
  try {
    await use(`http://127.0.0.1:${gateway.addr.port}`);
  } finally {
    await gateway.shutdown();
  }
}

async function get(url: string, init: RequestInit = {}) {
  const response = await fetch(url, { redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

Deno.test("docs: the stack serves the site at /docs, for pages of every origin", async () => {
  await withGateway(async (url) => {
    const home = await get(`${url}/docs`);
    assertEquals([home.status, home.headers.get("location")], [308, "/docs/"]);
    for (
      const [path, type] of [
        ["/docs/", "text/html"],
        ["/docs/filters.html", "text/html"],
        ["/docs/reference/problems.html", "text/html"],
        ["/docs/site.css", "text/css"],
        ["/docs/scalar.js", "text/javascript"],
        ["/docs/openapi.json", "application/json"],
      ]
    ) {
      const headers = { Origin: "https://anywhere.example" };
      const answer = await get(url + path, { headers });
      assertEquals(answer.status, 200, path);
      assert(answer.headers.get("content-type")?.startsWith(`${type}`), path);
      assertEquals(answer.headers.get("access-control-allow-origin"), "*", path);
    }
  });
});

Deno.test("docs: the stack serves nothing else there", async () => {
  await withGateway(async (url) => {
    for (
      const path of [
        "/docs/no_such_page.html",
        "/docs/..%2f..%2f..%2fetc/passwd",
        "/docs/%2e%2e/%2e%2e/deno.json",
        "/docsx",
        "/docs/reference",
      ]
    ) assertEquals((await get(url + path)).status, 404, path);
    const post = await get(`${url}/docs/`, { method: "POST", body: "x" });
    assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  });
});
