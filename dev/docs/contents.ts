/** The pages of the documentation site, in the order of its navigation. */

const ROOT = new URL("../../", import.meta.url);

/** A page: a Markdown file of the repository, and its name in the navigation. */
export interface Page {
  /** The Markdown file, from the root of the repository. */
  source: string;
  /** The HTML file, from the root of the site. */
  target: string;
  title: string;
}

/** A group of pages in the navigation. */
export interface Section {
  title: string;
  pages: Page[];
}

/** The page that shows the OpenAPI document. It has no Markdown. */
export const API_PAGE = { target: "api.html", title: "API reference" };

/** The OpenAPI document in the repository, and in the site. */
export const DOCUMENT = { source: "client-sdk/openapi.json", target: "openapi.json" };

const listed: Section[] = [
  section("Start", {
    "README.md": "Overview",
    "docs/first-steps.md": "First steps",
    "docs/sign-in.md": "Sign-in",
    "docs/cors.md": "CORS",
    "docs/keys.md": "API keys",
  }),
  section("Requests", {
    "docs/filters.md": "Filters, pages and exports",
    "docs/errors.md": "Errors",
    "docs/retries.md": "Idempotency and retries",
    "docs/requests.md": "Limits, dry runs, Postman",
  }),
  section("Guides", {
    "docs/changes.md": "Changes and undo",
    "docs/duplicates.md": "Duplicates and merges",
    "docs/import.md": "Importing files",
    "docs/files.md": "Files and pictures",
    "docs/integrations.md": "Python, n8n, others",
    "client-sdk/README.md": "TypeScript client",
    "docs/migrating.md": "Migrating to the API",
    "docs/react.md": "React",
    "docs/atomic.md": "Atomic CRM's frontend",
  }),
  section("Operation", {
    "docs/deploy.md": "Deploy",
    "docs/operations.md": "Running Portico",
    "docs/security.md": "Security",
    "docs/load.md": "Load",
    "docs/scale.md": "Scale",
    "docs/benchmarks.md": "Benchmarks",
  }),
  section("Reference", {
    "docs/reference/operations.md": "Operations",
    "docs/reference/problems.md": "Problems",
    "docs/reference/permissions.md": "Permissions",
    "docs/reference/database.md": "Database",
  }),
  section("The project", {
    "ARCHITECTURE.md": "Architecture",
    "CONTRIBUTING.md": "Contributing",
    "CHANGELOG.md": "Changes by version",
    "SECURITY.md": "Reporting a hole",
    "bench/queries.md": "Queries of the lists",
  }),
];

/** The navigation. A guide that is not listed stands at the end of the guides, under its heading. */
export const sections: Section[] = listed.map(({ title, pages }) => ({
  title,
  pages: [...pages.filter(({ source }) => exists(source)), ...title === "Guides" ? unlisted() : []],
}));

/** All pages with Markdown, in order. */
export const pages: Page[] = sections.flatMap((section) => section.pages);

function section(title: string, entries: Record<string, string>): Section {
  const pages = Object.entries(entries).map(([source, title]) => {
    return { source, target: targetOf(source), title };
  });
  return { title, pages };
}

function unlisted(): Page[] {
  const known = new Set(listed.flatMap(({ pages }) => pages.map(({ source }) => source)));
  return [...Deno.readDirSync(new URL("docs", ROOT))].map(({ name }) => `docs/${name}`)
    .filter((source) => source.endsWith(".md") && !known.has(source)).sort()
    .map((source) => {
      const [, title = source] = /^# (.*)$/m.exec(Deno.readTextFileSync(new URL(source, ROOT))) ??
        [];
      return { source, target: targetOf(source), title };
    });
}

function exists(source: string): boolean {
  try {
    return Deno.statSync(new URL(source, ROOT)).isFile;
  } catch {
    return false;
  }
}

/** The README is the home page. Of other files in folders, the folder of `docs` falls away. */
function targetOf(source: string): string {
  if (source === "README.md") return "index.html";
  if (source === "SECURITY.md") return "report.html";
  return source.replace(/^docs\//, "").replace("/README.md", ".md").toLowerCase()
    .replace(/\.md$/, ".html");
}
