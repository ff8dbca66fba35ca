/**
 * `deno run -A dev/contractBreaks.ts`: compares the OpenAPI document with that of the last release (the
 * last tag `v…`), and fails when a client of that release could break. Additions are no break.
 */
import { dirname, fromFileUrl, join } from "@std/path";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
const DOCUMENT = "client-sdk/openapi.json";

type Choice = "allOf" | "anyOf" | "oneOf";
const CHOICES: Choice[] = ["allOf", "anyOf", "oneOf"];

/** The parts of an OpenAPI document that clients depend on. */
export interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Schema | Parameter>>;
}

interface Reference {
  $ref?: string;
}

interface Operation {
  operationId?: string;
  parameters?: (Parameter | Reference)[];
  requestBody?: { required?: boolean; content: Contents };
  responses: Record<string, { content?: Contents }>;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

type Contents = Record<string, { schema: Schema }>;

interface Schema
  extends Reference, Partial<Record<Bound, number>>, Partial<Record<Choice, Schema[]>> {
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
  items?: Schema;
}

type Bound = "maximum" | "maxLength" | "maxItems" | "minimum" | "minLength" | "minItems";

/** Whether clients send a value or receive it. */
type Direction = "sent" | "received";

/** Bounds of sent values → whether the later bound is tighter. */
const BOUNDS: Record<Bound, (earlier: number | undefined, later: number) => boolean> = {
  maximum: (earlier = Infinity, later) => later < earlier,
  maxLength: (earlier = Infinity, later) => later < earlier,
  maxItems: (earlier = Infinity, later) => later < earlier,
  minimum: (earlier = -Infinity, later) => later > earlier,
  minLength: (earlier = 0, later) => later > earlier,
  minItems: (earlier = 0, later) => later > earlier,
};

/** Returns what a client of the earlier document can no longer do with the later one, in sentences. */
export function breaksOf(earlier: Contract, later: Contract): string[] {
  return new Comparison(earlier, later).breaks();
}

class Comparison {
  #breaks: string[] = [];
  /** Pairs of schemas that were compared, so that a schema may contain itself. */
  #compared = new Set<string>();

  constructor(readonly earlier: Contract, readonly later: Contract) {}

  breaks(): string[] {
    for (const [path, methods] of Object.entries(this.earlier.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const where = `${method.toUpperCase()} ${path}`;
        const now = this.later.paths[path]?.[method];
        if (!now) this.#add(where, "does not exist any more");
        else this.#compareOperations(where, operation, now);
      }
    }
    return this.#breaks;
  }

  #add(where: string, what: string): void {
    const sentence = `${where} ${what}.`;
    if (!this.#breaks.includes(sentence)) this.#breaks.push(sentence);
  }

  #compareOperations(where: string, earlier: Operation, later: Operation): void {
    if (earlier.operationId !== later.operationId) {
      this.#add(where, `is called ${later.operationId} and not ${earlier.operationId}`);
    }
    const [before, now] = [parametersOf(earlier, this.earlier), parametersOf(later, this.later)];
    this.#compareParameters(where, before, now);
    this.#compareBodies(where, earlier.requestBody, later.requestBody);
    for (const [status, response] of Object.entries(earlier.responses)) {
      if (!status.startsWith("2")) continue;
      const answer = later.responses[status];
      if (!answer) this.#add(where, `does not answer ${status} any more`);
      else this.#compareContents(`${where} ${status}`, response.content, answer.content);
    }
  }

  #compareParameters(
    where: string,
    earlier: Map<string, Parameter>,
    later: Map<string, Parameter>,
  ): void {
    for (const [name, parameter] of earlier) {
      const now = later.get(name);
      if (!now) this.#add(where, `takes no ${name} any more`);
      else this.#compareSchemas(`${where} ${name}`, parameter.schema, now.schema, "sent");
    }
    for (const [name, { required }] of later) {
      if (required && !earlier.get(name)?.required) this.#add(where, `needs ${name}`);
    }
  }

  #compareBodies(
    where: string,
    earlier: Operation["requestBody"],
    later: Operation["requestBody"],
  ): void {
    if (later?.required && !earlier?.required) this.#add(where, "needs a body");
    if (!earlier) return;
    if (!later) return this.#add(where, "takes no body any more");
    for (const [type, { schema }] of Object.entries(earlier.content)) {
      const now = later.content[type];
      if (!now) this.#add(where, `takes no ${type} any more`);
      else this.#compareSchemas(`${where} body`, schema, now.schema, "sent");
    }
  }

  #compareContents(where: string, earlier: Contents = {}, later: Contents = {}): void {
    for (const [type, { schema }] of Object.entries(earlier)) {
      const now = later[type];
      if (!now) this.#add(where, `is no ${type} any more`);
      else this.#compareSchemas(where, schema, now.schema, "received");
    }
  }

  #compareSchemas(where: string, earlier: Schema, later: Schema, direction: Direction): void {
    const pair = JSON.stringify([earlier, later, direction]);
    if (this.#compared.has(pair)) return;
    this.#compared.add(pair);
    const [before, now] = [resolve(earlier, this.earlier), resolve(later, this.later)];
    this.#compareValues(where, before, now, direction);
    this.#compareProperties(where, before, now, direction);
    if (before.items && now.items) {
      this.#compareSchemas(`${where}[]`, before.items, now.items, direction);
    }
    for (const keyword of CHOICES) {
      this.#compareChoices(where, before[keyword] ?? [], now[keyword] ?? [], direction);
    }
  }

  #compareValues(where: string, earlier: Schema, later: Schema, direction: Direction): void {
    const types = [typesOf(earlier), typesOf(later)] as const;
    const [wide, narrow] = direction === "sent" ? types : [types[1], types[0]];
    const strange = wide.filter((type) => !narrow.includes(type) && narrow.length > 0);
    if (strange.length > 0) {
      this.#add(where, direction === "sent" ? `takes no ${strange}` : `can be ${strange}`);
    }
    if (direction === "received") return;
    const refused = (earlier.enum ?? []).filter((value) =>
      later.enum && !later.enum.includes(value)
    );
    if (refused.length > 0) this.#add(where, `does not take ${refused.join(", ")} any more`);
    if (later.enum && !earlier.enum) this.#add(where, "takes certain values alone");
    for (const bound of Object.keys(BOUNDS) as Bound[]) {
      const now = later[bound];
      if (now !== undefined && BOUNDS[bound](earlier[bound], now)) {
        this.#add(where, `has ${bound} ${now}`);
      }
    }
  }

  #compareProperties(where: string, earlier: Schema, later: Schema, direction: Direction): void {
    const [before, now] = [earlier.properties ?? {}, later.properties ?? {}];
    const [required, needed] = [earlier.required ?? [], later.required ?? []];
    const isClosed = later.additionalProperties === false;
    for (const [name, schema] of Object.entries(before)) {
      const later = now[name];
      if (later) this.#compareSchemas(`${where}.${name}`, schema, later, direction);
      else if (isClosed || direction === "received") {
        this.#add(where, `has no ${name} any more`);
      }
    }
    const [from, to] = direction === "sent" ? [needed, required] : [required, needed];
    for (const name of from.filter((item) => !to.includes(item))) {
      if (direction === "received" && !(name in now)) continue;
      this.#add(where, direction === "sent" ? `needs ${name}` : `may lack ${name}`);
    }
  }

  #compareChoices(where: string, earlier: Schema[], later: Schema[], direction: Direction): void {
    const isBreak = direction === "sent"
      ? later.length < earlier.length
      : earlier.length > 0 && later.length > earlier.length;
    if (isBreak) this.#add(where, `has ${later.length} forms and not ${earlier.length}`);
    for (const [index, schema] of earlier.entries()) {
      const now = later[index];
      if (now) this.#compareSchemas(where, schema, now, direction);
    }
  }
}

function typesOf({ type }: Schema): string[] {
  return type === undefined ? [] : [type].flat();
}

function parametersOf({ parameters = [] }: Operation, contract: Contract): Map<string, Parameter> {
  const resolved = parameters.map((item) => resolve<Parameter>(item, contract));
  return new Map(resolved.map((item) => [`${item.in} ${item.name}`, item]));
}

/** Follows `$ref` to a component of the same document. */
function resolve<Item extends object>(item: Item | Reference, contract: Contract): Item {
  const { $ref } = item as Reference;
  if ($ref === undefined) return item as Item;
  const [kind = "", name = ""] = $ref.split("/").slice(-2);
  const found = contract.components[kind]?.[name];
  if (!found) throw new Error(`There is no ${$ref}`);
  return resolve<Item>(found as Item, contract);
}

/** Runs git. Returns undefined when it fails. */
async function git(...args: string[]): Promise<string | undefined> {
  const command = new Deno.Command("git", { args, cwd: ROOT, stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

if (import.meta.main) {
  // A release is compared with the one before it.
  const tag = await git("describe", "--tags", "--match=v*", "--abbrev=0", "HEAD^");
  const released = tag && await git("show", `${tag}:${DOCUMENT}`);
  if (!released) {
    console.log("There is no release to compare the document with.");
  } else {
    const document = await Deno.readTextFile(join(ROOT, DOCUMENT));
    const breaks = breaksOf(JSON.parse(released), JSON.parse(document));
    for (const sentence of breaks) console.error(`Against ${tag}: ${sentence}`);
    if (breaks.length > 0) Deno.exit(1);
    console.log(`The document breaks nothing of ${tag}.`);
  }
}
