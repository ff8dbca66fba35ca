/** The edge function's entry: it serves the app, and is the one place that reads the environment. */
import { readSettings } from "../_shared/settings.ts";
import { createApp } from "./app.ts";

const environment = Deno.env.toObject();
const app = createApp(readSettings(environment), {
  checkAnswers: environment.CHECK_ANSWERS === "true",
});

Deno.serve((request) => app.fetch(request));
