/** The generated pgTAP tests: they pass on a migrated database, and fail when it is changed. */
import { assertEquals, assertGreater } from "@std/assert";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import { runPgtap } from "../support/pgtap.ts";
import { filesBelow, readFile } from "../support/sourceFiles.ts";

/** A change of the database → test file → an assertion that must fail. */
const DEFECTS: [string, Record<string, string>][] = [
  [
    "create policy everything on public.contacts for select to authenticated using (true)",
    { catalogue: "public.contacts: policies", permissions: "foreign: select contacts of admin" },
  ],
  [
    `alter policy "members delete" on public.deals using (true)`,
    { catalogue: "public.deals: policy members delete" },
  ],
  [
    `alter table public.tags disable trigger "05_guard_deletion"`,
    {
      catalogue: "public.tags: enabled triggers",
      permissions: "rep: delete tags of admin",
    },
  ],
  [
    "alter table public.tasks disable row level security",
    {
      catalogue: "public.tasks: row-level security",
      permissions: "disabled: update tasks of disabled",
    },
  ],
  [
    "alter view public.activity_log set (security_invoker = false)",
    {
      catalogue: "public.activity_log: row-level security",
      permissions: "no_member: select activity_log of admin",
    },
  ],
  [
    "grant select on public.sales to anon; create policy x on public.sales to anon using (true)",
    {
      catalogue: "public.sales: privileges of anon",
      permissions: "anon: select sales of admin",
    },
  ],
  [
    "revoke insert on public.tags from authenticated",
    {
      catalogue: "public.tags: privileges of authenticated",
      permissions: "rep: insert tags of rep",
    },
  ],
  [
    "grant execute on function gateway.membership(uuid) to authenticated",
    { catalogue: "gateway.membership(uuid): roles that may execute it" },
  ],
  [
    "alter function private.workspace_id() security invoker",
    { catalogue: "private.workspace_id(): security and settings" },
  ],
  [
    `alter table public.contacts disable trigger "20_guard_owner"`,
    { catalogue: "public.contacts: enabled triggers" },
  ],
  ["create table public.extra (id int)", { catalogue: "there are no other relations" }],
];

// A database of its own, because the changes lock tables until they are taken back.
Deno.test("pgTAP: supabase/tests pass on the migrations, and fail on a weaker database", async (context) => {
  await withMigratedDatabase(async ({ superuserUrl }) => {
    await context.step("every assertion passes", async () => {
      let passed = 0;
      for (const { path, text } of await filesBelow("supabase/tests", [".sql"])) {
        const result = await runPgtap(superuserUrl, text);
        assertEquals(result.failures, [], path);
        passed += result.passed;
      }
      assertGreater(passed, 1_500);
    });
    for (const [defect, expected] of DEFECTS) {
      await context.step(defect, async () => {
        for (const [name, description] of Object.entries(expected)) {
          const text = await readFile(`supabase/tests/${name}.sql`);
          const { failures } = await runPgtap(superuserUrl, text, defect);
          const heads = failures.map((failure) => failure.split("\n")[0]);
          const found = heads.filter((head) => head?.endsWith(` - ${description}`));
          assertEquals(found.length, 1, failures.join("\n"));
        }
      });
    }
  });
});
