/** Formats the rounds of a mixed day, as a table for the terminal and as docs/load.md. */

import type { Round } from "./dayLoad.ts";
import { figure } from "./report.ts";

/** The rounds as a Markdown table. The first one is that of the quiet workspace alone. */
export function dayTable(rounds: Round[]): string {
  const alone = rounds[0]?.quiet.p99 ?? NaN;
  const rows = rounds.map((round) => [
    round.name,
    figure(round.requestsPerSecond),
    String(round.serverErrors),
    String(round.refusals),
    `${figure(round.quiet.p50)} / ${figure(round.quiet.p99)} ms`,
    `${figure(round.quiet.p99 / alone)} ×`,
    growthOf(round),
  ]);
  const head = [
    "connections",
    "requests/s",
    "5xx",
    "other refusals",
    "quiet p50 / p99",
    "p99 against alone",
    "memory, first → last third",
  ];
  const lines = [head, Array(head.length).fill("---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function growthOf({ memory }: Round): string {
  const [first, last] = thirds(memory);
  const percent = Math.round(growth(memory) * 100);
  return `${figure(first)} → ${figure(last)} MB (${percent >= 0 ? "+" : ""}${percent} %)`;
}

/** By what share the last third is above the first. */
function growth(memory: number[]): number {
  const [first, last] = thirds(memory);
  return last / first - 1;
}

/** The means of the first and the last third. */
function thirds(memory: number[]): [number, number] {
  const third = Math.max(1, Math.floor(memory.length / 3));
  return [mean(memory.slice(0, third)), mean(memory.slice(-third))];
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The resident memory of each round as ten means, from its beginning to its end. */
function memoryTable(rounds: Round[]): string {
  const rows = rounds.map(({ name, memory }) => {
    const tenth = memory.length / 10;
    const means = Array.from(
      { length: 10 },
      (_, index) => mean(memory.slice(Math.floor(index * tenth), Math.ceil((index + 1) * tenth))),
    );
    return [name, ...means.map(figure)];
  });
  const head = ["connections", ...Array.from({ length: 10 }, (_, index) => `${index + 1}/10`)];
  const lines = [head, Array(head.length).fill("---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Names the rounds that miss an expectation. */
function verdict(rounds: Round[]): string {
  const [alone, ...loaded] = rounds;
  const missed = {
    "No 5xx": loaded.filter(({ serverErrors }) => serverErrors > 0),
    "P99": loaded.filter(({ quiet }) => quiet.p99 > 2 * (alone?.quiet.p99 ?? NaN)),
    "Memory": loaded.filter(({ memory }) => Math.abs(growth(memory)) > 0.1),
  };
  return Object.entries(missed).map(([name, of]) =>
    of.length === 0
      ? `${name}: met.`
      : `${name}: missed with ${of.map(({ name }) => name).join("; ")}.`
  ).join(" ");
}

/** The page for the docs. */
export function dayPage(rounds: Round[], seconds: number): string {
  return `# Load

\`deno task bench-load\` sends the requests of a mixed day to one isolate: 80 % reads, 20 % writes, from
ten workspaces with 5,000 contacts each. Half of the connections belong to one greedy workspace. The
quiet workspace reads its list, one request at a time. \`deno task bench-load --write\` also writes this
page.

${dayTable(rounds)}

Expected: no 5xx, the quiet workspace's p99 at most twice what it is alone, memory of the first and the
last third within a tenth. ${
    verdict(rounds)
  } In the round with 100 slow connections, 50 clients do not send the rest of
their body, and 50 do not read their answer.

Resident memory of the function in MB, as means of the tenths of each round:

${memoryTable(rounds)}

Taken on ${new Date().toISOString().slice(0, 10)} with ${navigator.hardwareConcurrency} processors,
rounds of ${seconds} s; the load generator, the function and PostgreSQL share them.
`;
}
