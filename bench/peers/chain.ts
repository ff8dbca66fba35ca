/**
 * The product's chain on routes without the database. The product has no operation that needs a token
 * but no database. So this peer mounts two through the product's pipeline that differ only in `access`.
 */
import * as z from "zod";
import { type Operation, plain } from "../../supabase/functions/_shared/operation.ts";
import { readSettings } from "../../supabase/functions/_shared/settings.ts";
import { createApp } from "../../supabase/functions/api/app.ts";

const answers = (access: "member" | "anyone"): Operation =>
  plain({
    id: `bench.${access}`,
    method: "GET",
    path: `/${access}`,
    summary: "Answer a constant",
    access,
    output: z.object({ answer: z.string() }),
    run: () => Promise.resolve({ answer: "constant" }),
  });

const app = createApp(readSettings(Deno.env.toObject()), {
  resources: {
    "/api/member": () => Promise.resolve({ operations: [answers("member")] }),
    "/api/anyone": () => Promise.resolve({ operations: [answers("anyone")] }),
  },
});

Deno.serve((request) => app.fetch(request));
