/**
 * `deno run -A dev/contractBreaks.ts`: compares the OpenAPI document with that of the last release (the
 * last tag `v…`), and fails when a client of that release could break. Additions are no break.
 */
import { dirname, fromFileUrl, join } from "@std/path";

const ROOT = dirname(dirname(fromFileUrl(import.meta.url)));
const DOCUMENT = "client-sdk/openapi.json";
const METHODS = ["get", "post", "patch", "put", "delete"];

// deno-lint-ignore no-explicit-any
type Json = any;
/** Whether clients send a value or receive it. */
type Direction = "sent" | "received";

/** Bounds of sent values → whether the later bound is tighter. */
const BOUNDS: Record<string, (earlier: number | undefined, later: number) => boolean> = {
  maximum: (earlier = Infinity, later) => later < earlier,
  maxLength: (earlier = Infinity, later) => later < earlier,
  maxItems: (earlier = Infinity, later) => later < earlier,
  minimum: (earlier = -Infinity, later) => later > earlier,
  minLength: (earlier = 0, later) => later > earlier,
  minItems: (earlier = 0, later) => later > earlier,
};

/** Returns what a client of the earlier document can no longer do with the later one, in sentences. */
export function breaksOf(earlier: Json, later: Json): string[] {
  return new Comparison(earlier, later).breaks();
}

class Comparison {
  #breaks: string[] = [];
  /** Pairs of schemas that were compared, so that a schema may contain itself. */
  #compared = new Set<string>();

  constructor(readonly earlier: Json, readonly later: Json) {}

  breaks(): string[] {
    for (const [path, methods] of Object.entries<Json>(this.earlier.paths)) {
      for (const method of METHODS.filter((name) => name in methods)) {
        const where = `${method.toUpperCase()} ${path}`;
        const operation = this.later.paths[path]?.[method];
        if (!operation) this.#add(where, "does not exist any more");
        else this.#compareOperations(where, methods[method], operation);
      }
    }
    return this.#breaks;
  }

  #add(where: string, what: string): void {
    const sentence = `${where} ${what}.`;
    if (!this.#breaks.includes(sentence)) this.#breaks.push(sentence);
  }

  #compareOperations(where: string, earlier: Json, later: Json): void {
    if (earlier.operationId !== later.operationId) {
      this.#add(where, `is called ${later.operationId} and not ${earlier.operationId}`);
    }
    this.#compareParameters(where, this.#parametersOf(earlier), this.#parametersOf(later, false));
    this.#compareBodies(where, earlier.requestBody, later.requestBody);
    for (const [status, response] of Object.entries<Json>(earlier.responses)) {
      if (!status.startsWith("2")) continue;
      const answer = later.responses[status];
      if (!answer) this.#add(where, `does not answer ${status} any more`);
      else this.#compareContents(`${where} ${status}`, response.content, answer.content);
    }
  }

  #parametersOf({ parameters = [] }: Json, isEarlier = true): Map<string, Json> {
    const document = isEarlier ? this.earlier : this.later;
    const resolved = parameters.map((item: Json) => resolve(item, document));
    return new Map(resolved.map((item: Json) => [`${item.in} ${item.name}`, item]));
  }

  #compareParameters(where: string, earlier: Map<string, Json>, later: Map<string, Json>): void {
    for (const [name, parameter] of earlier) {
      const now = later.get(name);
      if (!now) this.#add(where, `takes no ${name} any more`);
      else this.#compareSchemas(`${where} ${name}`, parameter.schema, now.schema, "sent");
    }
    for (const [name, { required }] of later) {
      if (required && !earlier.get(name)?.required) this.#add(where, `needs ${name}`);
    }
  }

  #compareBodies(where: string, earlier: Json, later: Json): void {
    if (later?.required && !earlier?.required) this.#add(where, "needs a body");
    if (!earlier) return;
    if (!later) return this.#add(where, "takes no body any more");
    for (const [type, { schema }] of Object.entries<Json>(earlier.content)) {
      const now = later.content[type];
      if (!now) this.#add(where, `takes no ${type} any more`);
      else this.#compareSchemas(`${where} body`, schema, now.schema, "sent");
    }
  }

  #compareContents(where: string, earlier: Json = {}, later: Json = {}): void {
    for (const [type, { schema }] of Object.entries<Json>(earlier)) {
      const now = later[type];
      if (!now) this.#add(where, `is no ${type} any more`);
      else this.#compareSchemas(where, schema, now.schema, "received");
    }
  }

  #compareSchemas(where: string, earlier: Json, later: Json, direction: Direction): void {
    const pair = JSON.stringify([earlier, later, direction]);
    if (this.#compared.has(pair)) return;
    this.#compared.add(pair);
    const [before, now] = [resolve(earlier, this.earlier), resolve(later, this.later)];
    this.#compareValues(where, before, now, direction);
    this.#compareProperties(where, before, now, direction);
    if (before.items && now.items) {
      this.#compareSchemas(`${where}[]`, before.items, now.items, direction);
    }
    for (const keyword of ["allOf", "anyOf", "oneOf"]) {
      this.#compareChoices(where, before[keyword] ?? [], now[keyword] ?? [], direction);
    }
  }

  #compareValues(where: string, earlier: Json, later: Json, direction: Direction): void {
    const [before, now] = [typesOf(earlier), typesOf(later)];
    const [narrow, wide] = direction === "sent" ? [now, before] : [before, now];
    const strange = wide.filter((type) => !narrow.includes(type) && narrow.length > 0);
    if (strange.length > 0) {
      this.#add(where, direction === "sent" ? `takes no ${strange}` : `can be ${strange}`);
    }
    if (direction === "received") return;
    const refused = (earlier.enum ?? []).filter((value: Json) =>
      later.enum && !later.enum.includes(value)
    );
    if (refused.length > 0) this.#add(where, `does not take ${refused.join(", ")} any more`);
    if (later.enum && !earlier.enum) this.#add(where, "takes certain values alone");
    for (const [bound, isTighter] of Object.entries(BOUNDS)) {
      if (later[bound] === undefined || !isTighter(earlier[bound], later[bound])) continue;
      this.#add(where, `has ${bound} ${later[bound]}`);
    }
  }

  #compareProperties(where: string, earlier: Json, later: Json, direction: Direction): void {
    const [before, now] = [earlier.properties ?? {}, later.properties ?? {}];
    const [required, needed] = [earlier.required ?? [], later.required ?? []];
    for (const [name, schema] of Object.entries<Json>(before)) {
      if (name in now) this.#compareSchemas(`${where}.${name}`, schema, now[name], direction);
      else if (later.additionalProperties === false || direction === "received") {
        this.#add(where, `has no ${name} any more`);
      }
    }
    const [from, to] = direction === "sent" ? [needed, required] : [required, needed];
    for (const name of from.filter((item: string) => !to.includes(item))) {
      if (direction === "received" && !(name in now)) continue;
      this.#add(where, direction === "sent" ? `needs ${name}` : `may lack ${name}`);
    }
  }

  #compareChoices(where: string, earlier: Json[], later: Json[], direction: Direction): void {
    const isBreak = direction === "sent"
      ? later.length < earlier.length
      : earlier.length > 0 && later.length > earlier.length;
    if (isBreak) this.#add(where, `has ${later.length} forms and not ${earlier.length}`);
    for (const [index, schema] of earlier.entries()) {
      if (later[index]) this.#compareSchemas(where, schema, later[index], direction);
    }
  }
}

function typesOf({ type }: Json): string[] {
  return type === undefined ? [] : [type].flat();
}

/** Follows `$ref` within a document. */
function resolve(item: Json, document: Json): Json {
  if (typeof item?.$ref !== "string") return item ?? {};
  const path = item.$ref.slice(2).split("/");
  return resolve(path.reduce((found: Json, key: string) => found?.[key], document), document);
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
