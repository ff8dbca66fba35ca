/** The REST and storage APIs of the local stack: roles, privileges, and the form of values. */
import { assert, assertEquals, assertExists, assertGreater } from "@std/assert";
import { SignJWT } from "jose";
import type { SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import * as z from "zod";
import { REST_TYPES } from "../../dev/services/restTypes.ts";
import { only } from "../support/exactly.ts";
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
        -- A view with the rights of the caller shows what the caller may read anyway.
        and not coalesce('security_invoker=on' = any (c.reloptions), false)
        and has_table_privilege(role, c.oid, 'select, insert, update, delete')`;
    assertEquals([...granted], []);
  });
});

Deno.test("/rest/v1 answers 413 to a query that exceeds a limit of PostgreSQL", async () => {
  const { client } = await signIn((await createConfirmedUser()).email);
  const columns = Array.from({ length: 1_700 }, (_, index) => `c${index}:id`).join(",");
  const { status, error } = await client.from("tags").select(columns);
  assertEquals([status, error?.code], [413, "54011"]);
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

/** One value per type, and values that JSON has no form for. */
const VALUES = [
  ...["true", "3::smallint", "4", "9007199254740993", "-1::bigint", "0.1::real", "1e300::float8"],
  ...["'NaN'::float8", "'-Infinity'::float8", "'NaN'::numeric", "1.50::numeric(10, 2)"],
  ...["12345678901234567890.123456789", "'12.5'::money", "'x\"\\y'", "'Cit'::extensions.citext"],
  ...[
    "'ab'::char(5)",
    "'v'::varchar(5)",
    "'\\xdeadbeef'::bytea",
    "gen_random_uuid()",
    "null::text",
  ],
  ...["date '2024-07-01'", "date 'infinity'", "time '10:00'", "timetz '10:00+02'"],
  ...["timestamptz '2024-07-01'", "timestamptz '2024-07-01 00:00:00.123456+02'"],
  ...["timestamptz 'infinity'", "timestamptz '0044-03-15 BC'", "timestamp '2024-07-01 10:00:00.5'"],
  ...[
    "interval '1 day 02:00'",
    "interval '-1 month'",
    "int4range(1, 3)",
    "point '(1,2)'",
    "b'101'",
  ],
  ...["tstzrange('2024-01-01', null)", "inet '10.0.0.1'", "to_tsvector('simple', 'a b')"],
  `json '{"a": 1.0, "at": "2024-07-01 00:00:00+00"}'`,
  `jsonb '{"b": 1.50, "n": 12345678901234567890, "none": null}'`,
  ...["jsonb '\"text\"'", "jsonb 'null'", "to_jsonb(now())"],
  ...["array['a,b', 'c\"d', null, 'NULL', '{}', '']", "array[true, null]", "'{}'::bigint[]"],
  ...[
    "array[9007199254740993, null]",
    "array[1.10, 2]",
    "array[0.5::real]",
    "array[[1, 2], [3, 4]]",
  ],
  ...["array[timestamptz '2024-07-01']", "array[date '2024-07-01']", "'[0:1]={7,8}'::int[]"],
  `array['{"a": "x\\"y"}', '1', '[1]', 'null', null]::jsonb[]`,
  "array[interval '1 day']",
];

/** Parses JSON and keeps the digits of its numbers. */
function parseExactly(text: string): unknown {
  const digits = text.replace(
    /("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g,
    (_, quoted, number) => quoted ?? `{"number":"${number}"}`,
  );
  return JSON.parse(digits);
}

Deno.test("the REST server reads each type as to_json writes it", async () => {
  const options = { max: 1, types: REST_TYPES, connection: { TimeZone: "UTC" } };
  const sql = postgres(stack.superuserUrl, options);
  try {
    for (const value of VALUES) {
      const rows = await sql.unsafe(
        `select v, to_json(v)::text as json from (select ${value}) s (v)`,
      );
      const { v, json } = only(rows);
      assertEquals(parseExactly(JSON.stringify(v)), parseExactly(json ?? "null"), value);
    }
  } finally {
    await sql.end();
  }
});

Deno.test("/rest/v1 answers every table and view as to_json writes its rows", async () => {
  const { client, session, user } = await signIn((await createConfirmedUser()).email);
  await writeOneOfEach(client);
  let filled = 0;
  await runSql((sql) =>
    sql.begin(async (transaction) => {
      const relations = await transaction<{ name: string }[]>`
        select relname as name from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')
          and has_table_privilege('authenticated', oid, 'select')`;
      const claims = JSON.stringify({ sub: user.id, role: "authenticated" });
      await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
      await transaction`set local role authenticated`;
      await transaction`set local timezone = 'UTC'`;
      for (const { name } of relations) {
        const [row] = await transaction`
          select json_agg(record)::text as json from ${transaction("public." + name)} as record`;
        const headers = { apikey: stack.publishableKey, Authorization: bearer(session) };
        const answer = await fetch(`${stack.apiUrl}/rest/v1/${name}`, { headers });
        const expected = parseExactly(row?.json ?? "[]");
        assertEquals(sorted(parseExactly(await answer.text())), sorted(expected), name);
        if (row?.json) filled++;
      }
    })
  );
  assertGreater(filled, 8);
});

/** Inserts a record of each kind, with times, numbers, arrays and documents. */
async function writeOneOfEach(client: SupabaseClient): Promise<void> {
  const add = async (table: string, values: object): Promise<number> =>
    only((await client.from(table).insert(values).select("id").throwOnError()).data).id;
  const tag = await add("tags", { name: "VIP", color: "#eddcd2" });
  const company_id = await add("companies", { name: "Engines", context_links: ["https://a.test"] });
  const contact_id = await add("contacts", {
    company_id,
    tags: [tag],
    first_seen: "2024-07-01T00:00:00Z",
    email_jsonb: [{ email: "ada@example.test", type: "Work" }],
    phone_jsonb: [{ number: 12345678901, type: "Work" }],
  });
  const deal = { name: "Engine", stage: "opportunity", amount: 17000, company_id };
  const contact_ids = [contact_id];
  const deal_id = await add("deals", { ...deal, contact_ids, expected_closing_date: "2024-08-01" });
  const attachments = [{ src: "https://a.test/1", title: 'a "b"', type: "text/plain", path: "1" }];
  await add("contact_notes", { contact_id, text: "Called", attachments });
  await add("deal_notes", { deal_id, text: "Signed", date: "2024-07-01T10:00:00.123456Z" });
  await add("tasks", { contact_id, text: "Call", due_date: "2024-07-02T00:00:00+02:00" });
}

function bearer({ access_token }: { access_token: string }): string {
  return `Bearer ${access_token}`;
}

function sorted(rows: unknown): string[] {
  return z.array(z.unknown()).parse(rows).map((row) => JSON.stringify(row)).sort();
}

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
  const signedUrl = signed.data?.signedUrl ?? "";
  assertEquals(await (await fetch(signedUrl)).text(), "hello");
  for (const url of [signedUrl.replace(/token=.*/, "token=none"), `${signedUrl}x`]) {
    const refused = await fetch(url);
    assertEquals([refused.status, (await refused.json()).error], [400, "InvalidJWT"]);
  }
  assertExists((await publicClient().storage.from(bucket).download(path)).error);
  assertEquals((await storage.from(bucket).remove([path])).error, null);
  assertExists((await storage.from(bucket).download(path)).error);
  assertEquals((await storage.deleteBucket(bucket)).error, null);
});

Deno.test("/auth/v1/health answers without a key", async () => {
  const response = await fetch(`${stack.apiUrl}/auth/v1/health`);
  const body = await response.json();
  assertEquals([response.status, body.name], [200, "GoTrue"]);
});
