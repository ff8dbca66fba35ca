/**
 * The product's chain on routes without the database. No operation of the product needs a token and no
 * database, so two are mounted here through the product's own pipeline, alike but for `access`.
 */
import { Hono } from "hono";
import { z } from "zod";
import { createAuthenticate } from "../../supabase/functions/_shared/authentication.ts";
import { cors } from "../../supabase/functions/_shared/cors.ts";
import { createDatabase } from "../../supabase/functions/_shared/database.ts";
import { type Operation, plain } from "../../supabase/functions/_shared/operation.ts";
import { mount } from "../../supabase/functions/_shared/pipeline.ts";
import { createRateLimiter } from "../../supabase/functions/_shared/rateLimit.ts";
import { type AppEnvironment, requestLog } from "../../supabase/functions/_shared/requestLog.ts";
import { readSettings } from "../../supabase/functions/_shared/settings.ts";
import { createAuthAdmin } from "../../supabase/functions/_shared/supabaseAdmin.ts";

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

const settings = readSettings(Deno.env.toObject());
const database = createDatabase(settings);
const operations = [answers("member"), answers("anyone")];
const platform = {
  settings,
  operations,
  authenticate: createAuthenticate(settings),
  database,
  auth: createAuthAdmin(settings),
  rateLimiter: createRateLimiter(database, settings.rateLimit),
  reportFailure: () => {},
  checkAnswers: false,
};
const app = new Hono<AppEnvironment>();
app.use(requestLog((line) => console.log(JSON.stringify(line))));
app.use(cors(settings.allowedOrigins));
for (const operation of operations) mount(app, operation, platform);

Deno.serve((request) => app.fetch(request));
