/** The REST and storage APIs of the local stack: roles and privileges. */
import { assert, assertEquals, assertExists } from "@std/assert";
import { SignJWT } from "jose";
import {
  adminClient,
  createConfirmedUser,
  publicClient,
  runSql,
  signIn,
  stack,
} from "./stackUnderTest.ts";

Deno.test("/rest/v1 runs as the caller under row-level security", async () => {
  const [ada, bob] = await Promise.all([createConfirmedUser(), createConfirmedUser()]);
  const { client } = await signIn(ada.email);
  const written = await client.from("contacts").insert({ last_name: "Lovelace" }).select().single();
  assertEquals(written.error, null);
  const { id, workspace_id } = written.data;

  const other = (await signIn(bob.email)).client;
  assertEquals((await other.from("contacts").select().eq("id", id)).data, []);
  const forged = await other.from("contacts").insert({ last_name: "Mallory", workspace_id });
  assertEquals([forged.status, forged.error?.code], [403, "42501"]);
  assertEquals((await client.from("contacts").select("last_name").eq("id", id)).data, [
    { last_name: "Lovelace" },
  ]);
  assertEquals((await adminClient().from("contacts").select().eq("id", id)).data?.length, 1);
  assert(((await publicClient().from("contacts").select().eq("id", id)).data ?? []).length === 0);
});

Deno.test("/rest/v1 has no privileges beyond those of the migrations", async () => {
  const { client } = await signIn((await createConfirmedUser()).email);
  await client.from("contacts").select("id").limit(1);
  await runSql(async (sql) => {
    const granted = await sql`
      select format('%s on %I.%I', role, n.nspname, c.relname) as privilege
      from pg_class c join pg_namespace n on n.oid = c.relnamespace,
        unnest(array['anon', 'authenticated']) as role
      where n.nspname in ('gateway', 'private', 'auth') and c.relkind in ('r', 'p', 'v')
        and has_table_privilege(role, c.oid, 'select, insert, update, delete')`;
    assertEquals([...granted], []);
  });
});

Deno.test("/rest/v1 exposes only the schema public", async () => {
  for (const schema of ["auth", "storage", "private", "gateway"]) {
    const { error, status } = await adminClient().schema(schema).from("users").select();
    assertEquals([status, error?.code], [406, "PGRST106"], schema);
  }
});

Deno.test("/rest/v1 refuses missing and unknown keys and forged tokens", async () => {
  const url = `${stack.apiUrl}/rest/v1/anything`;
  const status = async (headers: HeadersInit) => {
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status({}), 401);
  assertEquals(await status({ apikey: "sb_publishable_other" }), 401);
  const claims = { sub: crypto.randomUUID(), role: "service_role" };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode("another secret of thirty-two characters"));
  const headers = { apikey: stack.publishableKey, Authorization: `Bearer ${token}` };
  assertEquals(await status(headers), 401);
});

Deno.test("/storage/v1 keeps a file and its metadata", async () => {
  const { storage } = adminClient();
  const bucket = crypto.randomUUID();
  assertEquals((await storage.createBucket(bucket)).error, null);
  const path = "folder/hello world.txt";
  const upload = await storage.from(bucket).upload(
    path,
    new Blob(["hello"], { type: "text/plain" }),
  );
  assertEquals(upload.error, null);
  assertEquals(await (await storage.from(bucket).download(path)).data?.text(), "hello");
  const signed = await storage.from(bucket).createSignedUrl(path, 60);
  assertEquals(await (await fetch(signed.data?.signedUrl ?? "")).text(), "hello");
  assertExists((await publicClient().storage.from(bucket).download(path)).error);
  assertEquals((await storage.from(bucket).remove([path])).error, null);
  assertExists((await storage.from(bucket).download(path)).error);
  assertEquals((await storage.deleteBucket(bucket)).error, null);
});
