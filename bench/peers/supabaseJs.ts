/**
 * The list as functions on Supabase are usually written, with a client per request: it verifies the
 * token, asks the auth server for the user, looks up the member, and reads over PostgREST.
 */
import { createClient } from "@supabase/supabase-js";
import { jwtVerify } from "jose";

const url = Deno.env.get("SUPABASE_URL") ?? "";
const key = Deno.env.get("PUBLISHABLE_KEY") ?? "";
const secret = new TextEncoder().encode(Deno.env.get("JWT_SECRET"));

Deno.serve(async (request) => {
  const authorization = request.headers.get("Authorization") ?? "";
  const token = authorization.replace(/^Bearer /, "");
  await jwtVerify(token, secret);
  const supabase = createClient(url, key, {
    global: { headers: { Authorization: authorization } },
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { data: { user } } = await supabase.auth.getUser(token);
  if (!user) return Response.json({ message: "Unauthorized" }, { status: 401 });
  const { data: sale } = await supabase.from("sales").select("*").eq("user_id", user.id).single();
  if (!sale) return Response.json({ message: "Unauthorized" }, { status: 401 });
  const { data, error } = await supabase.from("contacts_summary").select("*")
    .order("last_seen", { ascending: false, nullsFirst: false })
    .order("id", { ascending: false })
    .limit(25);
  return Response.json(error ?? data, { status: error ? 500 : 200 });
});
