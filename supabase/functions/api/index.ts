/** The edge function's entry: it serves the app, and is the one place that reads the environment. */
import { readSettings } from "../_shared/settings.ts";
import { createApp } from "./app.ts";

const environment = Deno.env.toObject();
const app = createApp(readSettings(environment), {
  checkAnswers: environment.CHECK_ANSWERS === "true",
});

// The driver leaves a rejection unhandled when a connection breaks while it is being made. The request
// that asked for it is answered; the isolate and its other requests go on.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  const error = reason instanceof Error ? reason.name : "unknown";
  console.error(JSON.stringify({ time: new Date().toISOString(), error: `Unhandled: ${error}` }));
});

Deno.serve((request) => app.fetch(request));
