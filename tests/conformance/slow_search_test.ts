/** What every operation that searches answers when the database takes too long. */
import { assert } from "@std/assert";
import { decodeJwt } from "jose";
import postgres from "postgres";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import { sign } from "../identity/tokens.ts";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { requestTo } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { createWorkspace, freshEmail, stack, test } from "../support/workspace.ts";

/** Records to search, because a search for nothing ends at once. */
const RECORDS = `
  insert into public.tags (workspace_id, name, color)
  select workspace_id, 'Ada', '#eee' from public.sales;
  insert into public.deals (workspace_id, sales_id, name, stage)
  select workspace_id, id, 'Ada', 'opportunity' from public.sales`;

/** Makes the functions that search take a minute. */
const SLOW_SEARCH = `
  do $$
  declare
    called regprocedure;
  begin
    for called in
      select oid from pg_proc
      where pronamespace = 'private'::regnamespace
        and proname in ('search_query', 'search_ids', 'matching_ids', 'search_records')
    loop
      execute regexp_replace(
        pg_get_functiondef(called),
        'LANGUAGE .*',
        $slow$ language plpgsql security definer as $body$
          begin
            perform pg_sleep(60);
          end
        $body$ $slow$
      );
    end loop;
  end
  $$`;

// A database of its own, because its functions are replaced.
test("every operation that searches answers 422 when it takes too long", async () => {
  const able = operations.filter((operation) => problemsOf(operation).has("search_too_slow"));
  assert(able.length > 5);
  const { admin } = await createWorkspace();
  await withMigratedDatabase(async ({ databaseUrl, superuserUrl }) => {
    const superuser = postgres(superuserUrl, { max: 1, onnotice() {} });
    const sub = crypto.randomUUID();
    await superuser`insert into auth.users (id, email) values (${sub}, ${freshEmail()})`;
    await superuser.unsafe(RECORDS);
    await superuser.unsafe(SLOW_SEARCH);
    await superuser.end();
    const token = await sign({ ...decodeJwt(admin.token), sub }, stack.jwtSecret);
    await withApp({ databaseUrl, rateLimit: 0 }, async (app) => {
      for (const operation of able) {
        const { path, init } = requestTo(
          operation,
          operation.method === "GET"
            ? { token, query: "?q=ada" }
            : { token, body: { filter: { q: "ada" }, delete: true } },
        );
        assertProblem(await app.send(path, init), 422, "search_too_slow");
      }
    });
  });
});
