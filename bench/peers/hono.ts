/** A bare Hono app that answers a constant without authentication. */
import { Hono } from "hono";

const app = new Hono();
app.get("/api/answer", (context) => context.json({ answer: "constant" }));
app.get("/api/health", (context) => context.json({ status: "ok" }));
Deno.serve((request) => app.fetch(request));
