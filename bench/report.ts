/** Formats the results of a run, as a table for the terminal and as docs/benchmarks.md. */

/** One measured value and its budget. */
export interface Finding {
  what: string;
  /** The figures of both sides. */
  measured: string;
  /** The value that the budget limits. */
  value: number;
  /** Undefined: the value has no budget. */
  budget?: { atLeast: number } | { atMost: number };
  unit?: string;
}

/** Machine, versions and plan of a run. */
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

const HOW_TO_READ = `## How to read it

Only the ratios are comparable between machines. Load generator, servers and PostgreSQL share one
machine, so the absolute figures depend on its speed under this load. Ratios vary by about a tenth
between runs, and by more on a busy machine. No test depends on these figures.

- **The list against bare SQL.** The peer is \`Deno.serve\` and the same driver with the same number of
  connections. It runs the same statement as the function, on the definition of
  \`contacts_summary\` with the workspace as a constant. It has no token, row-level security,
  transaction, validation, rate limit or log.
- **The list against supabase-js.** The peer does what functions on Supabase usually do: verify the
  token, \`auth.getUser\`, look up the member, and read over the REST API, with a client per request.
  Auth and REST are those of the local stack, in TypeScript. Hosted ones answer faster, but each of
  the three calls is a network round trip.
- **Authentication.** The product's chain on a route that answers a constant, with and without a token
  to check, for the same request. The bare Hono app beside it shows the cost of the whole chain.
- **Cold start.** From the start of the process to the first answer of \`/health\`, each bundled
  into one file by esbuild, as \`deno task deploy\` does it, and from its sources.
- **Merge.** A contact with 450 tasks, 450 notes and 100 deals is merged into another. The peer sends
  the same statements in one transaction as the owner of the tables. A relay before the database
  counts the round trips, on a connection that has prepared its statements already. Those of a list
  include the rollback at its end, which the answer does not wait for. Without prepared statements is
  the way through a pooler in transaction mode. Through one that keeps them, with \`?prepare=true\`,
  the counts are those of the direct connection.
- **Undo.** The peer is the function of the database alone, as the caller and in one transaction.
- **Log of changes.** The same writes with and without the triggers of the log, in turn: a bulk update
  through the function, and one statement of SQL. The fastest rounds are compared, because other work
  on the machine only adds time.
- **Imports.** A file with addresses, numbers and 2,500 companies, through the function of a stack of
  its own. \`COPY\` writes the same file into a table without triggers, indexes and matching.
- **Feed.** Pages of 200 of 1,000,000 changes of one workspace, and the stream of all of them. The
  reader who waits, with \`wait=20\`, reads every half second.
`;

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

${HOW_TO_READ}`;
}
