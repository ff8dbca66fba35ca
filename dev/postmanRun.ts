/** A run of the generated Postman collection by newman, Postman's own runner. */
import { dirname, fromFileUrl, join } from "@std/path";
import * as z from "zod";

const FOLDER = join(dirname(dirname(fromFileUrl(import.meta.url))), "docs", "postman");
const RUNNER = "npm:newman@6.2.2";

const reportSchema = z.object({
  run: z.object({
    executions: z.array(z.object({
      item: z.object({ name: z.string() }),
      response: z.object({
        code: z.number(),
        stream: z.object({ data: z.array(z.number()) }).optional(),
      }).optional(),
    })),
  }),
});

/** One answer of the run. A request without an answer has the status 0. */
export interface RunAnswer {
  /** Name of the request. */
  name: string;
  status: number;
  body: string;
}

/**
 * Runs the collection from its first request to its last. Returns the answers; a request that needs
 * others first is listed once for each of them.
 * @throws Error when newman writes no report.
 */
export async function runCollection(variables: Record<string, string>): Promise<RunAnswer[]> {
  const report = await Deno.makeTempFile({ suffix: ".json" });
  const args = ["run", "--allow-all", "--no-config", "--quiet", RUNNER, "run"];
  args.push(join(FOLDER, "portico.postman_collection.json"));
  args.push("--environment", join(FOLDER, "portico.postman_environment.json"));
  args.push("--reporters", "json", "--reporter-json-export", report);
  for (const [name, value] of Object.entries(variables)) args.push("--env-var", `${name}=${value}`);
  const { stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = await Deno.readTextFile(report);
  await Deno.remove(report);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  return reportSchema.parse(JSON.parse(text)).run.executions.map(({ item, response }) => ({
    name: item.name,
    status: response?.code ?? 0,
    body: new TextDecoder().decode(new Uint8Array(response?.stream?.data ?? [])),
  }));
}
