/** private.board_positions equals the live deals after any mix of writes, and is closed to callers. */
import { assertEquals } from "@std/assert";
import {
  anonymous,
  asCaller,
  become,
  foundWorkspace,
  openSession,
  refusalOf,
  service,
  sql,
  type Tenant,
  type Transaction,
} from "../support/database.ts";
import { only } from "../support/exactly.ts";
import { pick, seeded } from "../support/random.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";

const STAGES = ["opportunity", "won", "lost"];

/** A write of any of the workspace's deals, contacts or companies. */
type Write = (tx: Transaction, tenant: Tenant, random: () => number) => PromiseLike<unknown>;

const WRITES: Record<string, Write> = {
  insert: (tx, _, random) =>
    tx`
      insert into public.deals (name, stage, index, amount, company_id, contact_ids, archived_at)
      select 'Deal ' || n, ${pick(random, STAGES)}, n, n * 10,
        (select id from public.companies order by random() limit 1),
        array(select id from public.contacts order by random() limit 2),
        case when n = 3 then now() end
      from generate_series(1, 3) as n`,
  company: (tx) => tx`insert into public.companies (name) values ('Company'), ('Firm')`,
  contact: (tx) => tx`insert into public.contacts (first_name) values ('Ada'), ('Grace')`,
  update: (tx, _, random) =>
    tx`
      update public.deals
      set stage = ${pick(random, STAGES)}, amount = (random() * 1000)::bigint, index = null
      where id in (select id from public.deals order by random() limit 2)`,
  archive: (tx) =>
    tx`
      update public.deals
      set archived_at = case when archived_at is null then now() end
      where id in (select id from public.deals order by random() limit 2)`,
  twice: (tx) =>
    tx`
      with changed as (
        update public.deals set amount = 1
        where id in (select min(id) from public.deals) returning id
      )
      update public.deals set amount = 2, archived_at = now()
      where id in (select max(id) from public.deals)`,
  arrange: (tx, _, random) =>
    tx`
      select private.arrange_deals(
        ${sql.array(STAGES)}::text[], (select max(id) from public.deals),
        ${pick(random, STAGES)}, (select min(id) from public.deals), 0.5)`,
  remove: (tx) =>
    tx`delete from public.deals where id in (select id from public.deals order by random() limit 1)`,
  removeCompany: (tx) =>
    tx`
      delete from public.companies
      where id in (select id from public.companies order by random() limit 1)`,
  removeContact: (tx) =>
    tx`
      delete from public.contacts
      where id in (select id from public.contacts order by random() limit 1)`,
  restore: async (tx) => {
    const rows =
      await tx`select table_name, record_id from private.list_trash(null, null, null, null, 1)`;
    for (const { table_name, record_id } of rows) {
      await tx`select private.restore(${table_name}, ${record_id})`;
    }
  },
  purge: (tx) => tx`select private.empty_trash(1)`,
  rolledBack: async (tx, tenant, random) => {
    const failed = tx.savepoint(async (nested) => {
      await WRITES.insert?.(nested, tenant, random);
      await WRITES.archive?.(nested, tenant, random);
      await nested`select 1 / 0`;
    });
    await failed.catch(() => undefined);
  },
  asService: async (tx, { workspace_id }, random) => {
    await become(tx, service);
    await tx`
      update public.deals
      set id = id + 1000000000, stage = ${pick(random, STAGES)}
      where workspace_id = ${workspace_id}
        and id = (select max(id) from public.deals
          where workspace_id = ${workspace_id} and id < 1000000000)`;
  },
  configure: (tx, { workspace_id }) =>
    tx`
      update public.configuration
      set config = jsonb_set(config, '{closedStages}', '{"won": ["won"], "lost": ["opportunity"]}')
      where workspace_id = ${workspace_id}`,
};

for (const seed of [1, 2, 3]) {
  test(`private.board_positions equals the live deals after 120 random writes (${seed})`, async () => {
    const random = seeded(seed);
    const tenant = await foundWorkspace();
    const counts: Record<string, number> = {};
    const names = Object.keys(WRITES);
    for (let step = 0; step < 120; step++) {
      const name = step < 6 ? pick(random, ["insert", "company", "contact"]) : pick(random, names);
      await asCaller(tenant.admin, async (tx) => {
        await WRITES[name]?.(tx, tenant, random);
      }).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
      counts[name] = (counts[name] ?? 0) + 1;
      assertEquals(await difference(), [], `step ${step}: ${name}`);
    }
    const [live] = await sql`
      select count(*)::int as deals from public.deals
      where workspace_id = ${tenant.workspace_id} and archived_at is null`;
    const totals = await asCaller(
      tenant.admin,
      (tx) => tx`select coalesce(sum(count), 0)::int as deals from private.board_totals()`,
    );
    assertEquals(totals[0]?.deals, live?.deals);
  });
}

test("private.board_positions follows two members who write the same deal at once", async () => {
  const tenant = await foundWorkspace();
  const { id } = only(
    await asCaller(tenant.admin, (tx) =>
      tx<{ id: number }[]>`
        insert into public.deals (name, stage) values ('Deal', 'won') returning id`),
  );
  const races: [string, string][] = [
    [
      "update public.deals set amount = 7 where id = $1",
      "update public.deals set archived_at = now() where id = $1",
    ],
    [
      "update public.deals set archived_at = now() where id = $1",
      "update public.deals set archived_at = null where id = $1",
    ],
    [
      "update public.deals set archived_at = null where id = $1",
      "update public.deals set stage = 'lost' where id = $1",
    ],
    ["update public.deals set index = 4 where id = $1", "delete from public.deals where id = $1"],
    ["select private.restore('deals', $1)", "select private.restore('deals', $1)"],
  ];
  for (const [first, second] of races) {
    await using one = await openSession(tenant.admin);
    await using two = await openSession(tenant.admin);
    await one.connection.unsafe(first, [id]);
    const waiting = two.connection.unsafe(second, [id]).execute();
    await two.isBlocked();
    await one.commit();
    await waiting;
    await two.commit();
    assertEquals(await difference(), [], `${first}; ${second}`);
  }
});

test("private.board_positions is neither readable nor writable by any caller", async () => {
  const { admin } = await foundWorkspace();
  const attempts = [
    "select from private.board_positions",
    "update private.board_positions set amount = 1",
    "delete from private.board_positions",
    "truncate private.board_positions",
    "insert into private.board_positions (deal_id, workspace_id, stage) values (1, gen_random_uuid(), 'won')",
  ];
  for (const caller of [admin, anonymous, service]) {
    for (const attempt of attempts) {
      const { code } = await refusalOf(asCaller(caller, (tx) => tx.unsafe(attempt)));
      assertEquals(code, "42501", `${caller.claims.role}: ${attempt}`);
    }
  }
});

test("the Data API shows nothing of schema private", async () => {
  const { admin } = await createWorkspace();
  const paths = ["board_positions", "rpc/board_totals", "rpc/holder_ids", "rpc/estimated_rows"];
  for (const token of [admin.token, stack.secretKey]) {
    for (const path of paths) {
      for (const profile of ["public", "private", "gateway"]) {
        const response = await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
          headers: {
            apikey: token === stack.secretKey ? token : stack.publishableKey,
            Authorization: `Bearer ${token}`,
            "Accept-Profile": profile,
          },
        });
        await response.body?.cancel();
        assertEquals(
          [404, 406].includes(response.status),
          true,
          `${path} ${profile} ${response.status}`,
        );
      }
    }
  }
});

/** Rows that only one of the two holds, over all workspaces. */
async function difference() {
  const rows = await sql`
    with live as (
      select id, workspace_id, stage, index, amount from public.deals where archived_at is null
    ), kept as (
      select deal_id, workspace_id, stage, index, amount from private.board_positions
    )
    (table live except all table kept) union all (table kept except all table live)`;
  return rows.map((row) => ({ ...row }));
}
