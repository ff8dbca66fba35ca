/**
 * Whether the tests have seen every answer that the document promises: each status of each operation, and
 * each code of its problems. The answers are read from the lines of the request log, of the stack's function
 * and of the apps in the processes of the tests. `deno task test` compares them after a whole run.
 */

import * as z from "zod";

/** The members of a line of the request log that name an answer. */
const lineSchema = z.looseObject({
  route: z.string(),
  status: z.int(),
  code: z.string().optional(),
});

const problemSchema = z.object({
  content: z.object({
    "application/problem+json": z.object({
      schema: z.object({
        allOf: z.tuple([
          z.unknown(),
          z.object({ properties: z.object({ code: z.object({ enum: z.array(z.string()) }) }) }),
        ]),
      }),
    }),
  }),
});
const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        responses: z.record(z.string(), z.looseObject({ $ref: z.string().optional() })),
      }),
    ),
  ),
  components: z.object({ responses: z.record(z.string(), z.unknown()) }),
});

/** How much of the document was seen. The names are as in `contacts.merge 409 tag_exists`. */
export interface ContractCoverage {
  documented: string[];
  missing: string[];
}

/** Returns the names of all answers in an OpenAPI document, such as `contacts.list 200`, sorted. */
export function documentedAnswers(document: unknown): string[] {
  const { paths, components } = documentSchema.parse(document);
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const names = operations.flatMap(({ operationId, responses }) =>
    Object.entries(responses).flatMap(([status, { $ref }]) => {
      if ($ref === undefined) return [nameOf(operationId, status)];
      const problem = components.responses[$ref.split("/").at(-1) ?? ""];
      const { schema } = problemSchema.parse(problem).content["application/problem+json"];
      return schema.allOf[1].properties.code.enum.map((code) => nameOf(operationId, status, code));
    })
  );
  return [...new Set(names)].sort();
}

/**
 * Returns a log that appends the name of each answer to a file, once. Several processes may append to the
 * same file, because each name is one write of few bytes.
 */
export function collectAnswers(file: string): (line: unknown) => void {
  const collected = new Set<string>();
  return (line) => {
    const { data } = lineSchema.safeParse(line);
    if (!data) return;
    const name = nameOf(data.route, data.status, data.code);
    if (collected.has(name)) return;
    collected.add(name);
    Deno.writeTextFileSync(file, `${name}\n`, { append: true });
  };
}

/** Compares a document with the names in a file of `collectAnswers`. */
export async function contractCoverage(document: unknown, file: string): Promise<ContractCoverage> {
  const seen = new Set((await Deno.readTextFile(file)).split("\n"));
  const documented = documentedAnswers(document);
  return { documented, missing: documented.filter((name) => !seen.has(name)) };
}

function nameOf(operation: string, status: number | string, code?: string): string {
  return [operation, status, code].filter((part) => part !== undefined).join(" ");
}
