/** The operations on the gateway itself: health, readiness and the OpenAPI document. */
import * as z from "zod";
import { openApiDocument } from "../../_shared/openapi/document.ts";
import { type Operation, plain } from "../../_shared/operation.ts";
import { Problem, type ProblemCode, toProblem } from "../../_shared/problem.ts";
import { VERSION } from "../version.ts";

const Health = z.object({ status: z.literal("ok"), version: z.string() }).meta({ id: "Health" });
const Readiness = z.object({
  status: z.literal("ready"),
  database: z.literal("ok"),
  auth: z.literal("ok"),
})
  .meta({ id: "Readiness" });

const health = plain({
  id: "system.health",
  method: "GET",
  path: "/health",
  summary: "Check that the function runs",
  description: "Does not use the database.",
  access: "anyone",
  output: Health,
  run: () => Promise.resolve({ status: "ok" as const, version: VERSION }),
});

const ready = plain({
  id: "system.ready",
  method: "GET",
  path: "/ready",
  summary: "Check that the database and the auth server answer",
  description: "A result may be a second old.",
  access: "anyone",
  output: Readiness,
  problems: ["not_ready"],
  run: async ({ check }) => {
    const [database, auth] = await Promise.all([outcome(check.database), outcome(check.auth)]);
    if (database === "ok" && auth === "ok") return { status: "ready" as const, database, auth };
    throw new Problem(
      "not_ready",
      "Send the request again in a few seconds. The body says which part does not answer.",
      {
        headers: { "Retry-After": "5" },
        members: { database, auth },
      },
    );
  },
});

const openapi = plain({
  id: "system.openapi",
  method: "GET",
  path: "/openapi.json",
  summary: "Get the OpenAPI 3.1 document of this API",
  access: "anyone",
  output: z.looseObject({ openapi: z.string() }),
  anyOrigin: true,
  run: async ({ operations: all, settings }) => {
    // Imported here, because only this request needs it.
    const { descriptions } = await import("../descriptions.ts");
    return document ??= {
      openapi: "3.1.0",
      ...openApiDocument(await all(), VERSION, descriptions, settings.publicUrl),
    };
  },
});

/** The document; the first request of an isolate builds it. */
let document: { openapi: string } | undefined;

const Index = z.object({
  name: z.literal("Portico"),
  description: z.string(),
  version: z.string(),
  links: z.object({ openapi: z.string(), health: z.string(), me: z.string() }),
}).meta({ id: "Index" });

const index = plain({
  id: "system.index",
  method: "GET",
  path: "/",
  summary: "Get what this API is, and where its documents are",
  access: "anyone",
  anyOrigin: true,
  output: Index,
  run: ({ settings }) => {
    const api = `${settings.publicUrl}/functions/v1/api`;
    return Promise.resolve({
      name: "Portico" as const,
      description: "REST API of a CRM on Supabase.",
      version: VERSION,
      links: { openapi: `${api}/openapi.json`, health: `${api}/health`, me: `${api}/me` },
    });
  },
});

async function outcome(check: () => Promise<void>): Promise<"ok" | ProblemCode> {
  try {
    await check();
    return "ok";
  } catch (error) {
    return toProblem(error).code;
  }
}

export const operations: readonly Operation[] = [index, health, ready, openapi];
