/** Formats the results of a run at several sizes, as docs/scale.md and bench/queries.md. */

import { type ExplainedList, isWasteful, sequentialScans } from "./explain.ts";
import { figure } from "./report.ts";
import type { InsertFigures } from "./scaleInserts.ts";
import type { ExportFigures } from "./scaleExport.ts";
import type { Latency, Request } from "./scaleRequests.ts";

/** One request in workspaces of each size. */
export interface Row {
  request: Request;
  latencies: Latency[];
}

export interface ScaleFindings {
  sizes: number[];
  rows: Row[];
  exports: ExportFigures[];
  inserts: InsertFigures;
  seedSeconds: number;
  loadAverage: number;
}

/** The latencies as a Markdown table. */
export function scaleTable({ sizes, rows }: ScaleFindings): string {
  const head = ["request", ...sizes.map(count), "ratio of p50", "budget", "met"];
  return markdown(head, rows.map(cells));
}

function cells({ request: { name, budget }, latencies }: Row): string[] {
  const ratio = (latencies.at(-1)?.p50 ?? NaN) / (latencies[0]?.p50 ?? NaN);
  const judged = budget === undefined
    ? ["", ""]
    : [`at most ${budget}`, ratio <= budget ? "yes" : "no"];
  return [
    name,
    ...latencies.map(({ p50, p99 }) => `${figure(p50)} / ${figure(p99)}`),
    figure(ratio),
    ...judged,
  ];
}

function exportTable(exports: ExportFigures[]): string {
  const head = ["contacts", "seconds", "rows/s", "MB", "memory before, MB", "memory at most, MB"];
  return markdown(
    head,
    exports.map(({ rows, seconds, megabytes, memoryBefore, memoryPeak }) => [
      count(rows),
      figure(seconds),
      count(Math.round(rows / seconds)),
      figure(megabytes),
      figure(memoryBefore),
      figure(memoryPeak),
    ]),
  );
}

function markdown(head: string[], rows: string[][]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

/** docs/scale.md. */
export function scalePage(findings: ScaleFindings): string {
  const { exports, sizes, seedSeconds, loadAverage } = findings;
  return `# Scale

\`deno task bench-scale\` sends the same requests to workspaces with ${
    sizes.map(count).join(", ")
  } contacts, in
one database. \`--sizes=10000,100000\` takes other sizes, \`--write\` also writes this page and
[queries.md](../bench/queries.md). A workspace has a company for every 20 contacts, a deal for every 10 (half of
them archived), a task for every other, notes on every tenth contact and every other deal, and a change
in the audit log for every tenth contact.

## Requests

Milliseconds over HTTP, p50 / p99. The ratio compares the largest workspace with the smallest.

${scaleTable(findings)}

${requestsNote(loadAverage)}

${insertText(findings.inserts)}

${exportText(exports)}

All workspaces were seeded, indexed and analyzed within ${Math.round(seedSeconds)} s.
`;
}

function exportText(exports: ExportFigures[]): string {
  return `## Export

\`GET /contacts?format=csv\`, read to its end. Memory is the function's resident set, sampled five times
a second.

${exportTable(exports)}`;
}

function requestsNote(loadAverage: number): string {
  const date = new Date().toISOString().slice(0, 10);
  return `Requests are sent one at a time, in turn for each size, so that a slow moment of the machine affects
all sizes.
Taken on ${date} with ${navigator.hardwareConcurrency} processors, which
load generator, function and PostgreSQL share; load average at the end: ${
    figure(loadAverage)
  }. The p99
depends more on the other work of the machine than on the query.

The board counts and sums every live deal of the workspace, from an index of narrow rows. In a large
workspace a sample of the newest 500 records decides whether a word is too common to rank its matches.`;
}

/** bench/queries.md. */
export function queriesPage(lists: ExplainedList[], contacts: number): string {
  const scans = lists.flatMap(({ name, parameters, plans }) =>
    plans.flatMap(sequentialScans).map((table) => `- ${titleOf(name, parameters)}: ${table}`)
  );
  const wasteful = lists.filter(({ plans }) => plans.some(isWasteful))
    .map(({ name, parameters }) => `- ${titleOf(name, parameters)}`);
  const sections = lists.map(({ name, parameters, plans }) =>
    `## ${titleOf(name, parameters)}\n\n${
      plans.map((plan) => `\`\`\`text\n${plan}\n\`\`\``).join("\n\n")
    }\n`
  );
  return `# Query plans

The statements of every list, and the plans that PostgreSQL executed as a member of a workspace with
${
    count(contacts)
  } contacts, under row-level security. \`deno task bench-scale --write\` writes this page.
Tags, members and configuration are read by sequential scans because these tables are small.

Sequential scans of large tables:${itemised(scans)}

Plans in which a filter removes more than 10,000 rows:${itemised(wasteful)}

${sections.join("\n")}`;
}

function itemised(items: string[]): string {
  return items.length > 0 ? `\n\n${items.join("\n")}` : " none.";
}

function titleOf(name: string, parameters: Record<string, string>): string {
  const query = Object.entries(parameters).map(([key, value]) => `${key}=${value}`).join("&");
  return `\`GET /${name}${query ? `?${query}` : ""}\``;
}

function insertText({ rows, withTriggers, withoutTriggers }: InsertFigures): string {
  const speed = (seconds: number) =>
    `${figure(seconds)} s, ${count(Math.round(rows / seconds))} rows/s`;
  return `## Inserts

One statement with ${
    count(rows)
  } contacts into the smallest workspace: as a member with all triggers
${speed(withTriggers)}; without triggers ${speed(withoutTriggers)}; ratio ${
    figure(withTriggers / withoutTriggers)
  } (budget: at most 4).`;
}
