/** The gateway about itself: alive, ready, and what it offers. Open to everyone. */
import * as z from "zod";
import { openApiDocument } from "../../_shared/openapi.ts";
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
  summary: "Whether the function is alive",
  description: "Answers without the database.",
  access: "anyone",
  output: Health,
  run: () => Promise.resolve({ status: "ok" as const, version: VERSION }),
});

const ready = plain({
  id: "system.ready",
  method: "GET",
  path: "/ready",
  summary: "Whether the database and the auth server can be reached",
  access: "anyone",
  output: Readiness,
  problems: ["not_ready"],
  run: async ({ check }) => {
    const [database, auth] = await Promise.all([outcome(check.database), outcome(check.auth)]);
    if (database === "ok" && auth === "ok") return { status: "ready" as const, database, auth };
    throw new Problem("not_ready", "Wait until the parts that fail are back.", {
      headers: { "Retry-After": "5" },
      members: { database, auth },
    });
  },
});

const openapi = plain({
  id: "system.openapi",
  method: "GET",
  path: "/openapi.json",
  summary: "This API as an OpenAPI 3.1 document",
  access: "anyone",
  output: z.looseObject({ openapi: z.string() }),
  run: async ({ operations: all }) =>
    document ??= { openapi: "3.1.0", ...openApiDocument(await all(), VERSION) },
});

/** Built once per isolate, on the first request for it. */
let document: { openapi: string } | undefined;

async function outcome(check: () => Promise<void>): Promise<"ok" | ProblemCode> {
  try {
    await check();
    return "ok";
  } catch (error) {
    return toProblem(error).code;
  }
}

export const operations: readonly Operation[] = [health, ready, openapi];
