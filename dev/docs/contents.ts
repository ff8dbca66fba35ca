/** The pages of the documentation site, in the order of its navigation. */

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

export const sections: Section[] = [
  section("Start", {
    "README.md": "Overview",
    "docs/session.md": "A first session",
    "docs/requests.md": "Sign-in, errors and retries",
  }),
  section("Guides", {
    "docs/filters.md": "Filters, pages and exports",
    "docs/changes.md": "Changes and undo",
    "docs/duplicates.md": "Duplicates and merges",
    "docs/import.md": "Importing files",
    "client-sdk/README.md": "TypeScript client",
    "docs/atomic.md": "Atomic CRM's frontend",
  }),
  section("Operation", {
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

/** All pages with Markdown, in order. */
export const pages: Page[] = sections.flatMap((section) => section.pages);

function section(title: string, entries: Record<string, string>): Section {
  const pages = Object.entries(entries).map(([source, title]) => {
    return { source, target: targetOf(source), title };
  });
  return { title, pages };
}

/** The README is the home page. Of other files in folders, the folder of `docs` falls away. */
function targetOf(source: string): string {
  if (source === "README.md") return "index.html";
  if (source === "SECURITY.md") return "report.html";
  return source.replace(/^docs\//, "").replace("/README.md", ".md").toLowerCase()
    .replace(/\.md$/, ".html");
}
