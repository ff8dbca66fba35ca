/** Random requests to any operation, made from the schema of its body and the records that exist. */
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { exampleOf } from "../support/operations.ts";
import { pick } from "../support/random.ts";
import { freshEmail } from "../support/workspace.ts";
import { bodySchema, type Schema } from "../support/wrongValues.ts";

interface TextSchema extends Schema {
  pattern?: string;
}

/** Ids of the records that exist, by table. */
export type Ids = Record<string, number[]>;

/** A source of random values. */
export interface Source {
  random: () => number;
  ids: Ids;
  /** Texts that the operation's domain knows, by field: stages, types. */
  words: Record<string, string[]>;
}

/** Returns a random body: each field of the example, or of the schema, with a random value. */
export function randomBody(operation: Operation, source: Source): unknown {
  if (!operation.body) return undefined;
  return randomObject(bodySchema(operation), exampleOf(operation), operation, source);
}

function randomObject(
  { properties = {}, required = [] }: Schema,
  example: Record<string, unknown>,
  operation: Operation,
  source: Source,
): Record<string, unknown> {
  const names = Object.keys({ ...example, ...properties });
  const body: Record<string, unknown> = {};
  for (const name of names) {
    const inExample = name in example;
    const isReference = tableOf(name, operation, source.ids) !== undefined;
    const chance = required.includes(name) ? 1 : inExample || isReference ? 0.7 : 0.25;
    if (source.random() >= chance || name === "dry_run") continue;
    const value = randomValue(name, properties[name] ?? {}, example[name], operation, source);
    if (value !== undefined) body[name] = value;
  }
  return body;
}

/** Returns the table that an operation's path or a field of ids is about. */
export function tableOf(name: string, operation: Operation, ids: Ids): string | undefined {
  const [, resource = ""] = operation.path.split("/");
  if (name === "id" || name === "ids" || name === "loser_ids") return resource;
  const stem = /^(.+?)_ids?$/.exec(name)?.[1];
  if (stem === undefined) return name in ids ? name : undefined;
  return stem === "sales" || stem === "reassign_to"
    ? "sales"
    : [`${stem}s`, stem.replace(/y$/, "ies")].find((t) => t in ids);
}

function randomValue(
  name: string,
  schema: Schema & { enum?: unknown[]; const?: unknown },
  example: unknown,
  operation: Operation,
  source: Source,
): unknown {
  const { random, ids, words } = source;
  const branches: (Schema & { enum?: unknown[] })[] = schema.anyOf ?? [schema];
  if (branches.some(({ type }) => type === "null") && random() < 0.15) return null;
  const branch = pick(random, branches.filter(({ type }) => type !== "null"));
  const table = tableOf(name, operation, ids);
  const known = table ? ids[table] ?? [] : [];
  if (branch.enum) return pick(random, branch.enum);
  if (table && branch.type === "array") return some(random, known);
  if (table && branch.type === "integer") return known.length > 0 ? pick(random, known) : undefined;
  const word = words[name];
  if (word && branch.type === "string") return pick(random, word);
  const { items } = branch;
  if (name === "records" && items) {
    const [record] = [example].flat();
    return Array.from(
      { length: 1 + Math.floor(random() * 3) },
      () => randomObject(items, Object(record), operation, source),
    );
  }
  switch (branch.type) {
    case "boolean":
      return random() < 0.5;
    case "integer":
    case "number":
      return Math.floor(random() * 6);
    case "string":
      return randomText(name, branch, example, random);
    default:
      return example;
  }
}

function randomText(
  name: string,
  { format, pattern }: TextSchema,
  example: unknown,
  random: () => number,
) {
  if (format === "date-time") return new Date(1.7e12 + Math.floor(random() * 1e11)).toISOString();
  if (format === "date") return new Date(1.7e12 + random() * 1e11).toISOString().slice(0, 10);
  if (pattern !== undefined || (example !== undefined && random() < 0.4)) return example;
  if (name === "email") return freshEmail();
  if (format === "uri" || format === "email" || /^\S+@\S+$|^https?:/.test(String(example))) {
    return example;
  }
  if (name === "text" || name === "name") return `${name} ${Math.floor(random() * 1e6)}`;
  return `${name} ${Math.floor(random() * 9)}`;
}

function some(random: () => number, items: number[]): number[] {
  return items.filter(() => random() < 0.3).slice(0, 4);
}
