/** The documentation site in a browser, opened from its files: no server, no network. */
import { assert, assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { API_PAGE, pages } from "../../dev/docs/contents.ts";
import { chromium, openBrowser, type Tab } from "../support/browser.ts";
import { builtSite } from "./builtSite.ts";

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const notRun = chromium ? "" : ": not run, there is no Chromium";

/** Runs a test with a tab and the address of the site's files. */
function browserTest(name: string, use: (tab: Tab, root: string) => Promise<void>): void {
  Deno.test({
    name: `docs: ${name}${notRun}`,
    ignore: chromium === undefined,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const root = `${toFileUrl(await builtSite())}/`;
      await using tab = await openBrowser();
      await use(tab, root);
      assertEquals(tab.errors, []);
      const others = tab.requests.filter((url) => !/^(file|data|blob|about):/.test(url));
      assertEquals(others, [], "requests to servers");
    },
  });
}

/** WCAG 2.2, 1.4.3: the contrast of every text that is shown, at least 4.5, and 3 for large text. */
const LOW_CONTRAST = `(() => {
  const parse = (color) => {
    const numbers = (color.match(/[\\d.]+/g) ?? []).map(Number);
    if (!color.startsWith("color(")) return numbers;
    return [...numbers.slice(0, 3).map((part) => part * 255), ...numbers.slice(3)];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim() !== "");
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const pair = [parse(style.color), background(element)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) low.push(element.tagName + " " + element.className + " " +
      element.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
  }
  return [...new Set(low)];
})()`;

browserTest(
  "every page fits a phone and a desk, and is readable in dark and light",
  async (tab, root) => {
    for (const size of [DESKTOP, PHONE]) {
      for (const theme of ["dark", "light"] as const) {
        await tab.show({ ...size, theme });
        for (const { target } of pages) {
          await tab.open(root + target);
          const width = await tab.run<number>("document.documentElement.scrollWidth");
          assertEquals(width, size.width, target);
          assertEquals(await tab.run<string[]>(LOW_CONTRAST), [], `${target} ${theme}`);
        }
      }
    }
  },
);

browserTest(
  "the search works with the keyboard alone, and from a page in a folder",
  async (tab, root) => {
    await tab.show({ ...DESKTOP, theme: "light" });
    await tab.open(`${root}reference/permissions.html`);
    await tab.run(`document.querySelector("#site-search").focus()`);
    await tab.type("undo_conflict");
    await tab.until(`document.querySelectorAll("#site-results a").length > 0`);
    assertEquals(await tab.run(`document.activeElement.getAttribute("aria-expanded")`), "true");
    await tab.press("ArrowDown");
    await tab.press("ArrowUp");
    await tab.press("Enter");
    await tab.until(
      `location.href.endsWith("reference/problems.html#undo_conflict") && document.readyState === "complete"`,
    );
    await tab.run(`document.querySelector("#site-search").focus()`);
    await tab.type("zebra xylophone");
    await tab.until(`document.querySelector("#site-results").textContent === "Nothing found."`);
    await tab.press("Escape");
    await tab.until(`document.querySelector("#site-results").hidden`);
  },
);

browserTest("the first key leads past the menu, and the focus is seen", async (tab, root) => {
  await tab.show({ ...DESKTOP, theme: "dark" });
  await tab.open(`${root}index.html`);
  await tab.press("Tab");
  assertEquals(await tab.run("document.activeElement.className"), "skip");
  const top = "document.activeElement.getBoundingClientRect().top >= 0";
  assert(await tab.run<boolean>(top));
  await tab.press("Enter");
  await tab.until(`document.activeElement.id === "site-content"`);
  await tab.press("Tab");
  assertEquals(await tab.run("getComputedStyle(document.activeElement).outlineStyle"), "solid");
});

browserTest("the menu opens on a phone, and the chosen theme stays", async (tab, root) => {
  await tab.show({ ...PHONE, theme: "light" });
  await tab.open(`${root}filters.html`);
  const shown = `document.querySelector("#site-menu").checkVisibility()`;
  assertEquals(await tab.run(shown), false);
  await tab.run(`document.querySelector(".menu-button").click()`);
  assertEquals(await tab.run(shown), true);
  await tab.press("Escape");
  assertEquals(await tab.run(shown), false);
  const background = "getComputedStyle(document.body).backgroundColor";
  const light = await tab.run<string>(background);
  await tab.run(`document.querySelector(".theme-button").click()`);
  const dark = await tab.run<string>(background);
  assert(dark !== light);
  await tab.open(`${root}changes.html`);
  assertEquals(await tab.run(background), dark);
});

browserTest("the page of the API shows the operations, on a phone too", async (tab, root) => {
  for (const size of [DESKTOP, PHONE]) {
    for (const theme of ["dark", "light"] as const) {
      await tab.show({ ...size, theme });
      await tab.open(root + API_PAGE.target);
      await tab.until(`document.body.innerText.includes("REST API of a CRM on Supabase")`);
      assertEquals(await tab.run("document.documentElement.scrollWidth"), size.width);
      assertEquals(await tab.run(`document.body.classList.contains("${theme}-mode")`), true);
      assertEquals(await tab.run<string[]>(LOW_CONTRAST), [], theme);
    }
  }
});
