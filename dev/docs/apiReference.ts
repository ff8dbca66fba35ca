/** The page of the OpenAPI document, and the scripts that it needs. */

import { fromFileUrl } from "@std/path";
import { API_PAGE, DOCUMENT } from "./contents.ts";
import { headerHtml, headHtml } from "./layout.ts";

/** The page. Scalar draws it from `openapi.js`, because pages from files may not fetch. */
export function apiPageHtml(): string {
  return `${headHtml(API_PAGE.title, "")}
<body class="api-page">
<a class="skip" href="#site-reference">Skip to the content</a>
${headerHtml("")}
<noscript><p>This page needs JavaScript. The document itself is <a href="${DOCUMENT.target}">
${DOCUMENT.target}</a>, and <a href="reference/operations.html">Operations</a> lists it.</p></noscript>
<div id="site-reference" tabindex="-1"></div>
<script src="openapi.js"></script>
<script src="scalar.js"></script>
<script src="api.js"></script>
<script src="site.js"></script>
</body>
</html>
`;
}

/** Returns the script that holds the document. */
export function documentScript(document: string): string {
  return `porticoDocument = ${JSON.stringify(JSON.parse(document))};\n`;
}

/** The bundle as the package holds it: a string in a module. */
const BUNDLE = /^var standalone_default = (".*");$/m;

/**
 * Returns Scalar's bundle for browsers. Throws when the package holds it in another way. The package
 * that is named after the bundle has the same file, but installs 270 packages with it.
 */
export async function scalarScript(): Promise<string> {
  const path = fromFileUrl(import.meta.resolve("@scalar/fastify-api-reference"));
  const [, literal] = BUNDLE.exec(await Deno.readTextFile(path)) ?? [];
  if (literal === undefined) throw new Error(`${path} has no bundle of Scalar.`);
  const bundle: unknown = new Function(`return ${literal}`)();
  return String(bundle).replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}
