/**
 * The list's SQL behind a bare `Deno.serve`: no authentication, no row-level security, no
 * transaction, no validation, no log. The same driver, options and number of connections.
 */
import postgres from "postgres";

const sql = postgres(Deno.env.get("DATABASE_URL") ?? "", {
  max: Number(Deno.env.get("DATABASE_CONNECTIONS")),
  idle_timeout: 20,
});
const statement = Deno.env.get("STATEMENT") ?? "";

Deno.serve(async () => {
  const [page] = await sql`${sql.unsafe(statement)}`;
  return new Response(`{"data":[${page?.text}],"next_cursor":${JSON.stringify(page?.last)}}`, {
    headers: { "Content-Type": "application/json" },
  });
});
