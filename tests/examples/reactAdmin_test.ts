/**
 * The example with react-admin, in Chromium: signs in, lists, turns pages, filters, changes, deletes and
 * undoes. It runs when the example is installed: `npm install` in `examples/react-admin`.
 * `SCREENSHOTS=<directory>` keeps images of its pages.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import * as esbuild from "esbuild";
import { buildSdk } from "../../dev/buildSdk.ts";
import { exists } from "../../dev/files.ts";
import { chromium, openBrowser } from "../support/browser.ts";
import { insertRows } from "../support/records.ts";
import { createWorkspace, PASSWORD, stack } from "../support/workspace.ts";
import { AppPage } from "./appPage.ts";

const EXAMPLE = join("examples", "react-admin");
const PAGE = `<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>`;

const isInstalled = await exists(join(EXAMPLE, "node_modules"));
const missing = chromium ? isInstalled ? "" : "it is not installed" : "there is no Chromium";

Deno.test({
  name: `react-admin: the example runs in a browser${missing && `: not run, ${missing}`}`,
  ignore: missing !== "",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const workspace = await createWorkspace();
    const [company_id] = await insertRows(workspace, "companies", [{ name: "Analytical Engines" }]);
    const names = Array.from({ length: 12 }, (_, index) => `Name ${String(index + 10)}`);
    const contacts = names.map((last_name) => ({ last_name, first_name: "Ada", company_id }));
    await insertRows(workspace, "contacts", contacts);
    const script = await bundled();
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) =>
        new URL(request.url).pathname === "/page.js"
          ? new Response(script, { headers: { "content-type": "text/javascript" } })
          : new Response(PAGE, { headers: { "content-type": "text/html" } }),
    );
    try {
      await using tab = await openBrowser();
      await tab.show({ width: 1280, height: 900, theme: "light" });
      await tab.open(`http://127.0.0.1:${server.addr.port}/`);
      const page = new AppPage(tab);
      await signIn(page, workspace.admin.email);
      await turnPages(page);
      await change(page);
      await deleteAndUndo(page);
      await search(page);
      await openCompany(page);
      assertEquals(tab.errors, []);
      const { body } = await workspace.admin.api.get("/contacts?last_name=Lovelace");
      assertEquals([body.data.length, body.data[0]?.title], [1, "Countess"]);
    } finally {
      await server.shutdown();
    }
  },
});

async function signIn(page: AppPage, email: string): Promise<void> {
  await page.fill("input[name=username]", email);
  await page.fill("input[name=password]", PASSWORD);
  await page.click("button[type=submit]");
  await page.shows("Name 10");
  await page.shows("Analytical Engines");
  await page.shows("1-10 of 12");
  await keep(page, "list");
}

async function turnPages(page: AppPage): Promise<void> {
  await page.click("button[aria-label='Go to page 2']");
  await page.shows("11-12 of 12");
  await page.shows("Name 21");
  assertEquals(await page.count("tbody tr"), 2);
}

async function change(page: AppPage): Promise<void> {
  await page.click("tbody tr td", "Name 21");
  await page.shows("SAVE");
  await page.click("button.button-add");
  await page.fill("input[name='email_jsonb.0.email']", "no address");
  await page.click("button[type=submit]");
  await page.shows("Use an e-mail address.");
  await keep(page, "refused");
  await page.fill("input[name='email_jsonb.0.email']", "ada@example.com");
  await page.fill("input[name=last_name]", "Lovelace");
  await page.fill("input[name=title]", "Countess");
  await page.click("button[type=submit]");
  await page.shows("Element updated");
}

async function deleteAndUndo(page: AppPage): Promise<void> {
  await page.click("button[aria-label='Go to page 1']");
  await page.click("tbody tr td", "Lovelace");
  await page.shows("SAVE");
  await page.click("form button[aria-label=Delete]");
  await page.click("button.ra-confirm");
  await page.shows("Moved to the trash");
  await page.shows(" of 11");
  await keep(page, "deleted");
  await page.click("button", "Undo");
  await page.shows(" of 12");
  await keep(page, "undone");
}

async function search(page: AppPage): Promise<void> {
  await page.fill("input[name=q]", "Name 13");
  await page.shows("1-1 of 1");
  await page.hides("Lovelace");
}

async function openCompany(page: AppPage): Promise<void> {
  await page.click("a[href='#/companies']");
  await page.hides("Last name");
  await page.click("tbody tr td", "Analytical Engines");
  await page.shows("1-5 of 12");
  await keep(page, "company");
}

async function keep(page: AppPage, name: string): Promise<void> {
  const directory = Deno.env.get("SCREENSHOTS");
  if (directory) await Deno.writeFile(join(directory, `${name}.png`), await page.picture());
}

/** Bundles the example as Vite does, with the client as npm installs it. */
async function bundled(): Promise<string> {
  await buildSdk(join("client-sdk", "dist"));
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(EXAMPLE, "src", "main.tsx")],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    define: {
      "import.meta.env": JSON.stringify({
        VITE_SUPABASE_URL: stack.apiUrl,
        VITE_SUPABASE_KEY: stack.publishableKey,
      }),
      "process.env.NODE_ENV": '"production"',
    },
  });
  await esbuild.stop();
  return outputFiles.map(({ text }) => text).join("");
}
