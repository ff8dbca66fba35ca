/** Database URLs in the forms of the platform and of operators. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  connectionOptions,
  parseDatabaseUrl,
} from "../../supabase/functions/_shared/database/url.ts";

function parsed(url: string) {
  const { parameters, ...address } = parseDatabaseUrl(url);
  return { ...address, parameters: parameters.toString() };
}

Deno.test("parseDatabaseUrl reads the pooler's address", () => {
  assertEquals(
    parsed("postgresql://postgres.abc:secret@aws-0.pooler.supabase.com:6543/app?sslmode=require"),
    {
      host: "aws-0.pooler.supabase.com",
      port: 6543,
      username: "postgres.abc",
      password: "secret",
      database: "app",
      parameters: "sslmode=require",
    },
  );
});

Deno.test("parseDatabaseUrl uses PostgreSQL's defaults for port and database", () => {
  for (const url of ["postgres://a:b@db", "postgres://a:b@db/"]) {
    const { port, database } = parsed(url);
    assertEquals({ port, database }, { port: 5432, database: "postgres" }, url);
  }
  assertEquals(parsed("postgres://a@db").password, "");
});

Deno.test("parseDatabaseUrl accepts hosts that URL parsers refuse, and IPv6", () => {
  assertEquals(parsed("postgres://a:b@supabase_db_app:5432/postgres").host, "supabase_db_app");
  const { host, port } = parsed("postgres://a:b@[::1]:5433/x");
  assertEquals({ host, port }, { host: "::1", port: 5433 });
});

Deno.test("parseDatabaseUrl accepts passwords, escaped or not", () => {
  for (
    const [written, password] of [
      ["p%40ss%2Fword", "p@ss/word"],
      ["p@ss", "p@ss"],
      ["a:b:c", "a:b:c"],
      ["50%", "50%"],
      ["#?&=", "#?&="],
    ] as const
  ) {
    const address = parsed(`postgres://me:${written}@db.example.com/x`);
    assertEquals(address.password, password, written);
    assertEquals(address.host, "db.example.com", written);
  }
});

Deno.test("parseDatabaseUrl refuses other text without repeating it", () => {
  for (
    const url of ["", "secret", "mysql://a:secret@db/x", "postgres://secret", "http://secret@h"]
  ) {
    const { message } = assertThrows(() => parseDatabaseUrl(url), Error, "", url);
    assert(!message.includes("secret"), message);
  }
});

Deno.test("connectionOptions prepares statements except on a pooler that loses them", () => {
  const expected = {
    "postgres://a:b@db/x": true,
    "postgres://a:b@db:6543/x": false,
    "postgres://a:b@db:6543/x?prepare=true": true,
    "postgres://a:b@db:6432/x?pgbouncer=true": false,
    "postgres://a:b@db/x?pgbouncer=true&prepare=true": true,
    "postgres://a:b@db/x?prepare=false": false,
  };
  for (const [databaseUrl, prepare] of Object.entries(expected)) {
    assertEquals(connectionOptions({ databaseUrl }).prepare, prepare, databaseUrl);
  }
});

Deno.test("connectionOptions names the connections as the URL says", () => {
  const expected = {
    "postgres://a:b@db/x": "portico",
    "postgres://a:b@db/x?sslmode=require&application_name=crm": "crm",
  };
  for (const [databaseUrl, application_name] of Object.entries(expected)) {
    assertEquals(connectionOptions({ databaseUrl }).connection, { application_name }, databaseUrl);
  }
});
