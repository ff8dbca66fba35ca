/**
 * Examples of answers in the OpenAPI document and the Postman collection. They are answers that the API
 * has given: `deno task examples` runs every operation and keeps them in `examples.json`.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { readIfExists } from "../files.ts";
import type { RunAnswer } from "../postmanRun.ts";
import type { Described } from "./document.ts";

/** Path below the repository's root. */
export const EXAMPLES_FILE = "dev/generate/examples.json";
const ROOT = dirname(dirname(dirname(fromFileUrl(import.meta.url))));
/** The document is no example of itself. */
const LEFT_OUT = ["system.openapi"];

/** Id of an operation → its answer. */
export type Examples = Record<string, { status: number; body: unknown }>;

/** Reads the examples; none when the file does not exist yet. */
export async function readExamples(): Promise<Examples> {
  return JSON.parse(await readIfExists(join(ROOT, EXAMPLES_FILE)) ?? "{}");
}

/** Returns the examples in the answers of a run. Answers that are no JSON are left out. */
export function examplesOf(answers: RunAnswer[], operations: Described[]): Examples {
  const ids = new Map(operations.map(({ summary, operationId }) => [summary, operationId]));
  const examples: Examples = {};
  for (const { name, status, body } of answers) {
    const id = ids.get(summaryOf(name));
    if (!id || id in examples || LEFT_OUT.includes(id) || !/^[[{]/.test(body)) continue;
    examples[id] = { status, body: JSON.parse(steady(body), (_, value) => shortened(value)) };
  }
  return Object.fromEntries(Object.entries(examples).sort(([a], [b]) => a < b ? -1 : 1));
}

/** The summary of the operation that a request of the collection is about: before the form of its body. */
export function summaryOf(name: string): string {
  return name.split(": ")[0] ?? name;
}

/** Replaces what differs in each run: times, uuids, addresses, tokens. */
function steady(body: string): string {
  const uuids = new Map<string, string>();
  const numbered = (uuid: string) => {
    const known = uuids.get(uuid) ??
      `00000000-0000-4000-8000-${String(uuids.size + 1).padStart(12, "0")}`;
    uuids.set(uuid, known);
    return known;
  };
  return body
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, "https://abc.supabase.co")
    .replace(/ptc_\w{20,}/g, "ptc_<secret>")
    .replace(/ptc_\w{6}(?=")/g, "ptc_7Kq0Zd")
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<token>")
    .replace(/[\w.+-]+@example\.(test|com)/g, "ada@example.com")
    .replace(/ [0-9a-f]{8}-[0-9a-f-]{27}(?=")| \d{13}(?=")/g, "")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, numbered)
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?/g, "2026-12-01T09:00:00")
    .replace(/("(?:next_)?cursor":) *"[^"]+"/g, '$1"<cursor>"');
}

/** Keeps the first two items of lists, so that the examples stay short. */
function shortened(value: unknown): unknown {
  return Array.isArray(value) ? value.slice(0, 2) : value;
}

/** Adds the examples to the answers of the document. */
export function addExamples(document: Record<string, unknown>, examples: Examples): void {
  const paths = Object.values(Object(document.paths)).flatMap((path) =>
    Object.values(Object(path))
  );
  for (const { operationId, responses } of paths as Described[]) {
    const example = examples[operationId];
    const content = example && responses[example.status]?.content?.["application/json"];
    if (content) content.example = example.body;
  }
}
