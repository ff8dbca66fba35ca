/** What triggers say when they refuse: the status for clients of the Data API, and the sentence. */
import { assertEquals } from "@std/assert";
import { test } from "../support/workspace.ts";
import { offenders } from "./offenders.ts";

/** Functions that refuse only scripts with the secret key. */
const FOR_SCRIPTS = ["workspace_of"];

test("refusals: no function refuses with 401 or 403, at which Atomic CRM signs out", async () => {
  assertEquals(
    await offenders`
      select p.oid::regprocedure::text as name from pg_proc p
      join ours on ours.oid = p.pronamespace
      where p.prosrc ~ 'PT40[13]'`,
    [],
  );
});

test("refusals: every sentence speaks of the CRM, not of paths and columns", async () => {
  assertEquals(
    await offenders`
      select p.oid::regprocedure::text || ': ' || sentence[1] as name from pg_proc p
      join ours on ours.oid = p.pronamespace
      cross join lateral regexp_split_to_table(p.prosrc, 'raise exception') as raised
      cross join lateral regexp_matches(
        substring(raised from 'message = (.*?)detail = '), '''([^'']*)''', 'g'
      ) as sentence
      where p.proname <> all (${FOR_SCRIPTS}::text[])
        -- A literal with a space is a sentence or a part of one.
        and sentence[1] like '% %'
        and sentence[1] ~ '(GET|POST|PUT|PATCH|DELETE) |/[a-z]|[a-z]_[a-z]'`,
    [],
  );
});
