/**
 * Seeds workspaces of any size within minutes: inserts rows without triggers, with their search vectors
 * in the same statements, and builds secondary indexes afterwards. Compares a sample of the vectors with
 * those of the triggers.
 */

import postgres from "postgres";
import { type Extent, seedContacts, seedOtherTables, seedTags, SPELLING } from "./scaleRows.ts";
import type { Tenant } from "./seed.ts";

const TABLES = [
  "contacts",
  "companies",
  "deals",
  "tasks",
  "contact_notes",
  "deal_notes",
  "audit_log",
];
const SAMPLE = 500;

/** Fills a workspace for each size, builds the indexes of all tables again, and analyzes them. */
export async function seedScale(
  superuserUrl: string,
  tenants: Map<number, Tenant>,
): Promise<void> {
  const open = () =>
    postgres(superuserUrl, {
      max: 1,
      onnotice: () => {},
      connection: {
        session_replication_role: "replica",
        maintenance_work_mem: "1GB",
        synchronous_commit: "off",
      },
    });
  const [first, second] = [open(), open()];
  try {
    await first.unsafe(SPELLING);
    const indexes = await dropIndexes(first);
    for (const extent of extentsOf(tenants)) {
      await seedTags(first, extent);
      // The second connection also fills the other tables, which takes about as long as a third of this.
      const divide = Math.floor(extent.contacts * 0.65);
      await Promise.all([
        seedContacts(first, extent, 0, divide - 1),
        seedContacts(second, extent, divide, extent.contacts - 1),
        seedOtherTables(second, extent),
      ]);
    }
    await setSequences(first);
    await Promise.all([buildIndexes(first, indexes), buildIndexes(second, indexes)]);
    await first.unsafe(
      `vacuum analyze ${
        TABLES.map((name) => `public.${name}`)
      }, public.tags, private.board_positions`,
    );
    await compareSample(first);
    await first`drop schema bench cascade`;
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
}

function extentsOf(tenants: Map<number, Tenant>): Extent[] {
  // Far above the ids of rows that the stack itself made.
  let firstContact = 1_000_000;
  return [...tenants].map(([contacts, { workspaceId, memberId }]) => {
    const extent = {
      workspaceId,
      memberId,
      contacts,
      companies: Math.ceil(contacts / 20),
      firstContact,
      firstCompany: firstContact,
      firstDeal: firstContact,
      firstTag: firstContact,
    };
    firstContact += contacts;
    return extent;
  });
}

/** Drops what is not a constraint's; returns the statements that bring it back, slowest first. */
async function dropIndexes(sql: postgres.Sql): Promise<string[]> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    select format('public.%I', indexname) as name, indexdef as definition
    from pg_indexes
    where schemaname = 'public' and tablename = any (${TABLES})
      and not exists (
        select from pg_constraint where conindid = format('public.%I', indexname)::regclass
      )
    order by
      tablename = 'contacts' desc, indexname like '%trigram%' desc, indexname like '%search%' desc,
      tablename = 'tasks' desc`;
  for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
  return indexes.map(({ definition }) => definition);
}

/** Builds what is left in the list, which another connection may share. */
async function buildIndexes(sql: postgres.Sql, statements: string[]): Promise<void> {
  for (let next = statements.shift(); next !== undefined; next = statements.shift()) {
    await sql.unsafe(next);
  }
}

/** Moves the sequences behind the seeded ids. */
async function setSequences(sql: postgres.Sql): Promise<void> {
  for (const name of ["contacts", "companies", "deals", "tags"]) {
    await sql.unsafe(
      `select setval(pg_get_serial_sequence('public.${name}', 'id'), (select max(id) from public.${name}))`,
    );
  }
}

/** Throws when vectors differ from those of the triggers. */
async function compareSample(sql: postgres.Sql): Promise<void> {
  const [row] = await sql<{ differing: number; sample: string | null }[]>`
    select
      count(*)::integer as differing,
      min(format('%s, not %s', c.search, private.contact_search(c, co.name))) as sample
    from (
      select c.* from public.contacts c tablesample system (1) limit ${SAMPLE}
    ) as sampled
    join public.contacts c using (id)
    left join public.companies co on co.workspace_id = c.workspace_id and co.id = c.company_id
    where c.search is distinct from private.contact_search(c, co.name)`;
  if (row?.differing) throw new Error(`${row.differing} vectors differ: ${row.sample}`);
}
