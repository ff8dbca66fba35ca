/** Prints sections with their times, aligned tables, and a progress bar. */

const WIDTH = 78;
const terminal = Deno.stdout.isTerminal();
const encoder = new TextEncoder();

/** Runs `work` as one section. Prints its title before and its time after. */
export async function section<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
  console.log(`\n${bold(title)}`);
  const begun = performance.now();
  const result = await work();
  console.log(dim(`  ${seconds(begun)}`));
  return result;
}

/** Prints a line inside a section. */
export function say(line: string): void {
  clearProgress();
  console.log(`  ${line}`);
}

/** Prints rows in aligned columns. Null is shown as a dash. */
export function table(head: string[], rows: (string | number | null)[][]): void {
  const lines = [head, ...rows.map((row) => row.map((value) => String(value ?? "–")))];
  const widths = head.map((_, column) =>
    Math.min(34, Math.max(...lines.map((line) => (line[column] ?? "").length)))
  );
  for (const [index, line] of lines.entries()) {
    const text = line.map((value, column) => fit(value, widths[column] ?? 0)).join("  ").trimEnd();
    say(index === 0 ? dim(text) : text);
  }
}

/** Shows a progress bar on a terminal. Shows nothing elsewhere. */
export function progress(done: number, all: number): void {
  if (!terminal) return;
  const filled = Math.round(30 * done / Math.max(all, 1));
  const bar = "█".repeat(filled).padEnd(30, "░");
  Deno.stdout.writeSync(encoder.encode(`\r  ${bar} ${done} of ${all}`));
}

/** Removes the progress bar. */
export function clearProgress(): void {
  if (terminal) Deno.stdout.writeSync(encoder.encode(`\r${" ".repeat(WIDTH)}\r`));
}

/** The time since `begun`, a value of `performance.now()`, as text. */
export function seconds(begun: number): string {
  return `${((performance.now() - begun) / 1000).toFixed(2)} s`;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function bold(text: string): string {
  return terminal ? `\x1b[1m${text}\x1b[0m` : text;
}

function dim(text: string): string {
  return terminal ? `\x1b[2m${text}\x1b[0m` : text;
}
