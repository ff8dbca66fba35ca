/** What a run found, as a table for the terminal and as docs/benchmarks.md. */

/** One budget and what was measured. */
export interface Finding {
  what: string;
  /** Both sides, in plain figures. */
  measured: string;
  /** The figure that the budget is about. */
  value: number;
  /** Without one the figure is for comparison. */
  budget?: { atLeast: number } | { atMost: number };
  unit?: string;
}

/** What the figures were taken on, and how. */
export interface Setting {
  date: string;
  processors: number;
  versions: Record<string, string>;
  plan: string;
}

export function isMet({ value, budget }: Finding): boolean {
  if (!budget) return true;
  return "atLeast" in budget ? value >= budget.atLeast : value <= budget.atMost;
}

/** The findings as a Markdown table. */
export function table(findings: Finding[]): string {
  const rows = findings.map((finding) => [
    finding.what,
    finding.measured,
    `${figure(finding.value)}${finding.unit ?? ""}`,
    budgetText(finding),
    finding.budget ? isMet(finding) ? "yes" : "no" : "",
  ]);
  const lines = [["what", "measured", "result", "budget", "met"], Array(5).fill("---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function budgetText({ budget, unit = "" }: Finding): string {
  if (!budget) return "";
  return "atLeast" in budget
    ? `at least ${budget.atLeast}${unit}`
    : `at most ${budget.atMost}${unit}`;
}

export function figure(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(2);
}

/** The page for the docs. */
export function page(findings: Finding[], setting: Setting): string {
  const versions = Object.entries(setting.versions).map(([name, value]) => `${name} ${value}`);
  return `# Benchmarks

\`deno task bench\` measures what Portico costs, side by side with peers: in one run, on one machine,
one database and the same rows, in interleaved rounds. \`deno task bench --write\` also writes this page.

${table(findings)}

Taken on ${setting.date} with ${setting.processors} processors; ${
    versions.join(", ")
  }. ${setting.plan}

## How to read it

Only the ratios mean anything elsewhere: load generator, servers and PostgreSQL share one machine, so
the plain figures say how fast that machine was while it was busy with all of them. Ratios move by a
tenth or so between runs, more when the machine does something else. Nothing in the tests depends on
these figures.

- **The list against bare SQL.** The peer is \`Deno.serve\` and the same driver with the same number of
  connections. It runs the very statement that the function sends, on the definition of
  \`contacts_summary\` with the workspace as a constant: without token, row-level security, transaction,
  validation, rate limit or log.
- **The list against supabase-js.** The peer does what functions on Supabase usually do: verify the
  token, \`auth.getUser\`, look up the member, and read over the REST API, with a client per request.
  Auth and REST are the local stack's own, in TypeScript; hosted ones answer faster by themselves, but
  are three network round trips away.
- **Authentication.** The product's chain on a route that answers a constant, with and without a token
  to check; both get the same request. The bare Hono app beside it shows what the whole chain costs.
- **Cold start.** From starting the process to the first answer of \`/health\`, each bundled
  into one file by esbuild, as \`deno task deploy\` does it, and from its sources.
- **Merge.** A contact with 450 tasks, 450 notes and 100 deals goes into another one. The peer sends
  the same statements in one transaction as the owner of the tables. Round trips are counted by a
  relay before the database, on a connection that has prepared its statements already; those of a
  list include the rollback at its end, which the answer does not wait for.
`;
}
