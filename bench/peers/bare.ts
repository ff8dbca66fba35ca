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
  const rows = await sql`${sql.unsafe(statement)}`;
  const data = rows.slice(0, 25).map((row) => row.record).join(",");
  return new Response(`{"data":[${data}],"next_cursor":${JSON.stringify(rows[24]?.key)}}`, {
    headers: { "Content-Type": "application/json" },
  });
});
