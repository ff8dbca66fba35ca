/** What every operation answers when the database raises an error, and when all connections are taken. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import type { ProblemCode } from "../../supabase/functions/_shared/problem.ts";
import { type AppUnderTest, testSettings, withApp } from "../support/app.ts";
import { startDatabaseProxy } from "../support/databaseProxy.ts";
import { assertProblem } from "../support/answers.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";
import { accepted, assertEach } from "./everyOperation.ts";

const NO_RATE_LIMIT = { rateLimit: 0 };
/** How many requests of one workspace may wait for a connection. */
const MAXIMUM_WAITING = 400;
const { admin } = await createWorkspace();
const acceptedOf = (operation: Operation) => accepted(operation, admin.token);

/** SQLSTATE that the database raises → the answer. */
const RAISED: [sqlstate: string, status: number, code: ProblemCode][] = [
  ["XX000", 500, "internal"],
  ["57014", 503, "database_timeout"],
  ["40001", 409, "concurrent_change"],
  ["23505", 409, "conflict"],
  ["22000", 422, "invalid_value"],
  ["42501", 403, "forbidden"],
  ["23503", 422, "unknown_reference"],
];

/** Makes each function of the gateway's schema raise the SQLSTATE in `faults.raised`. */
const RAISE_EVERYWHERE = `
  create schema faults;
  create table faults.raised (sqlstate text not null);
  do $$
  declare
    called regprocedure;
  begin
    for called in
      select oid from pg_proc where pronamespace = 'gateway'::regnamespace
    loop
      execute regexp_replace(
        pg_get_functiondef(called),
        'LANGUAGE .*',
        $fault$ language plpgsql security definer as $body$
          begin
            raise exception using errcode = (select sqlstate from faults.raised);
          end
        $body$ $fault$
      );
    end loop;
  end
  $$`;

// A database of its own, because its functions are replaced.
test("every operation answers each error of the database with the problem that it declares", async () => {
  await withMigratedDatabase(async ({ databaseUrl, superuserUrl }) => {
    const superuser = postgres(superuserUrl, { max: 1, onnotice() {} });
    await superuser.unsafe(RAISE_EVERYWHERE);
    for (const [sqlstate, status, code] of RAISED) {
      await superuser`truncate faults.raised`;
      await superuser`insert into faults.raised values (${sqlstate})`;
      const among = operations.filter(({ access }) => access !== "anyone");
      await withApp(
        { ...NO_RATE_LIMIT, databaseUrl, pictureSources: ["gravatar"] },
        (app) => assertEach(app, code, status, acceptedOf, among),
      );
    }
    await superuser.end();
  });
});

/** Sends one request more than may wait, until it is refused. The others wait for the connection. */
async function fillQueue(app: AppUnderTest, path: string, init: RequestInit) {
  const requests = Array.from({ length: MAXIMUM_WAITING + 1 }, () => app.send(path, init));
  assertProblem(await Promise.race(requests), 503, "overloaded");
  return requests;
}

test("every operation is refused while too many requests wait for a connection", async () => {
  const { databaseUrl } = await testSettings();
  const proxy = startDatabaseProxy(databaseUrl);
  const settings = {
    ...NO_RATE_LIMIT,
    databaseUrl: proxy.url,
    databaseConnections: 1,
    timeLimits: { answer: 600_000, transaction: 1_200_000 },
    pictureSources: ["gravatar" as const],
  };
  await withApp(settings, async (app) => {
    // The answer to the first statement never comes, so its request keeps the only connection.
    proxy.watch(1, "silence");
    const member = { headers: { Authorization: `Bearer ${admin.token}` } };
    const job = { method: "POST", headers: { apikey: stack.secretKey } };
    const waiting = [
      app.send("/api/me", member),
      ...await fillQueue(app, "/api/me", member),
      ...await fillQueue(app, "/api/jobs/keep_log", job),
    ];
    await assertEach(app, "overloaded", 503, acceptedOf);
    await proxy[Symbol.asyncDispose]();
    for (const answer of await Promise.all(waiting)) assertEquals(answer.status, 503);
  });
});
