import { assertEquals, assertExists } from "@std/assert";
import { SignJWT } from "jose";
import postgres from "postgres";
import { adminClient, createConfirmedUser, publicClient, signIn, stack } from "./stackUnderTest.ts";

/** Runs `test` with a table of its own, on which everybody sees and writes own rows only. */
async function withNotesTable(test: (table: string, sql: postgres.Sql) => Promise<void>) {
  const sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  const table = `notes_${crypto.randomUUID().replaceAll("-", "")}`;
  try {
    await sql.unsafe(`
      create table public.${table} (
        id bigint generated always as identity primary key,
        owner uuid not null default auth.uid(), text text, extra jsonb);
      alter table public.${table} enable row level security;
      grant select, insert on public.${table} to authenticated, service_role;
      create policy own on public.${table} to authenticated
        using (owner = (select auth.uid())
          and (select auth.jwt()) ->> 'iss' = '${stack.apiUrl}/auth/v1')
        with check (owner = (select auth.uid()));`);
    await test(table, sql);
  } finally {
    await sql.unsafe(`drop table if exists public.${table}`);
    await sql.end();
  }
}

Deno.test("/rest/v1 sees a new table, and row level security decides", async () => {
  await withNotesTable(async (table, sql) => {
    const [ada, bob] = await Promise.all([createConfirmedUser(), createConfirmedUser()]);
    const { client } = await signIn(ada.email ?? "");
    const extra = { colour: "red" };
    const written = await client.from(table).insert({ text: "mine", extra }).select().single();
    assertEquals(written.error, null);
    assertEquals(written.data.owner, ada.id);
    const forged = await client.from(table).insert({ text: "yours", owner: bob.id });
    assertEquals([forged.status, forged.error?.code], [403, "42501"]);

    const other = (await signIn(bob.email ?? "")).client;
    assertEquals((await other.from(table).select()).data, []);
    assertEquals((await client.from(table).select("text, extra")).data, [{ text: "mine", extra }]);
    assertEquals((await adminClient().from(table).select()).data?.length, 1);
    const anybody = await publicClient().from(table).select();
    assertEquals([anybody.status, anybody.error?.code], [401, "42501"]);
    const grants = await sql`
      select grantee from information_schema.role_table_grants
      where table_name = ${table} and grantee = 'anon'`;
    assertEquals(grants.length, 0, "a request must not grant anything");
  });
});

Deno.test("/rest/v1 exposes the schema public alone", async () => {
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
