/** The SDK in a browser: from an origin that the API lists, and from one that it does not. */
import { assertEquals, assertMatch } from "@std/assert";
import * as esbuild from "esbuild";
import { waitUntil } from "../../dev/process.ts";
import { createWorkspace, stack } from "../support/workspace.ts";
import { findCommand, installPackage } from "./builtPackage.ts";

/** What the page sends back. */
interface Outcome {
  names?: string[];
  csv?: string;
  progress?: number[];
  title?: string;
  undone?: boolean;
  error?: string;
  message?: string;
}

const PAGE = `
import { createClient } from "@portico/client";
const { url, token } = JSON.parse(document.body.textContent);
const portico = createClient({ url, token: () => token, maxRetries: 0 });

async function use() {
  const { id } = await portico.contacts.create({ last_name: "Browser" });
  const names = [];
  for await (const { last_name } of portico.contacts.list({ limit: 1 })) names.push(last_name);
  const csv = await (await portico.contacts.export().blob()).text();
  const progress = [];
  const file = new File(["%PDF-1.7 offer"], "Offer.pdf", { type: "application/pdf" });
  const { title } = await portico.attachments.upload(file, {
    onProgress: (sent) => progress.push(sent),
  });
  await portico.undo(await portico.contacts.delete(id).changeId);
  const undone = (await portico.contacts.get(id)).id === id;
  return { names, csv, progress, title, undone };
}

const outcome = await use().catch(({ name, message }) => ({ error: name, message }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
`;

const chromium = await findCommand("chromium", "chromium-browser", "google-chrome");
const notRun = chromium ? "" : ": not run, there is no Chromium";

for (const host of ["127.0.0.1", "unlisted.example"]) {
  Deno.test({
    name: `sdk: in a browser, from ${host}${notRun}`,
    ignore: chromium === undefined,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const outcome = await openPage(chromium ?? "chromium", host);
      if (host === "127.0.0.1") return assertUsed(outcome);
      assertEquals(outcome.error, "PorticoConnectionError");
      assertMatch(
        outcome.message ?? "",
        /ALLOWED_ORIGINS lacks http:\/\/unlisted\.example:\d+/,
      );
    },
  });
}

function assertUsed({ names, csv = "", progress, title, undone, message }: Outcome): void {
  assertEquals(message, undefined);
  assertEquals([names, title, undone], [["Browser"], "Offer.pdf", true]);
  assertEquals(progress?.at(-1), "%PDF-1.7 offer".length);
  assertMatch(csv, /Browser/);
}

/** Opens the page from this host, and returns what it sends back. */
async function openPage(chromium: string, host: string): Promise<Outcome> {
  await using installation = await installPackage();
  const { admin } = await createWorkspace();
  const script = await bundled(installation.directory);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const configuration = JSON.stringify({ url: stack.functionUrl, token: admin.token });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/outcome") resolve(await request.json());
    if (pathname === "/page.js") {
      return new Response(script, { headers: { "content-type": "text/javascript" } });
    }
    const html = `<body>${configuration}</body><script type="module" src="/page.js"></script>`;
    return new Response(html, { headers: { "content-type": "text/html" } });
  });
  const profile = await Deno.makeTempDir();
  const browser = new Deno.Command(chromium, {
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      `--user-data-dir=${profile}`,
      "--host-resolver-rules=MAP unlisted.example 127.0.0.1",
      `http://${host}:${server.addr.port}/`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    return await promise;
  } finally {
    browser.kill();
    await browser.status;
    await server.shutdown();
    await waitUntil(() => removed(profile), 30_000);
  }
}

async function bundled(resolveDir: string): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: PAGE, resolveDir },
    bundle: true,
    write: false,
    format: "esm",
  });
  await esbuild.stop();
  return outputFiles.map(({ text }) => text).join("");
}

/** The processes of a browser that ends still write to its profile for a moment. */
async function removed(directory: string): Promise<boolean> {
  return await Deno.remove(directory, { recursive: true }).then(() => true, () => false);
}
