/** The entry point of the edge function: serves the app. No other module reads the environment. */
import { readSettings } from "../_shared/settings.ts";
import { createApp } from "./app.ts";

const environment = Deno.env.toObject();
const app = createApp(readSettings(environment), {
  checkAnswers: environment.CHECK_ANSWERS === "true",
});

// When a new connection breaks, the driver also rejects a promise that no code handles. The request gets
// its answer in any case, so the isolate must not end.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  const error = reason instanceof Error ? reason.name : "unknown";
  console.error(JSON.stringify({ time: new Date().toISOString(), error: `Unhandled: ${error}` }));
});

Deno.serve((request) => app.fetch(request));
