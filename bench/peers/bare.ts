/**
 * The list's SQL behind a bare `Deno.serve`, without authentication, row-level security, transaction,
 * validation and log. The driver, its options and the number of connections are the same.
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
