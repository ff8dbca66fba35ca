/**
 * What must always hold in the database, whatever has happened: each invariant is a query for the rows
 * that break it. Tables, arrays and foreign keys come from the catalogue where they can.
 */
import { assertEquals } from "@std/assert";
import type { Sql } from "postgres";

/** A row that breaks an invariant. */
interface Offender {
  invariant: string;
  /** The row, as text. */
  row: string;
}

/** The arrays of ids, which no foreign key guards. */
const ARRAYS = [
  { table: "contacts", column: "tags", target: "tags" },
  { table: "deals", column: "contact_ids", target: "contacts" },
];

/** A query of rows that break an invariant, as `row` of type text and `workspace_id`. */
type Query = string;

const INVARIANTS: Record<string, Query> = {
  ...Object.fromEntries(
    ARRAYS.map(({ table, column, target }) => [
      `every id in ${table}.${column} exists, once`,
      `select holder.workspace_id, '${table} ' || holder.id || ' → ' || held.id as row
       from public.${table} as holder
       cross join lateral unnest(holder.${column}) as held (id)
       where not exists (
           select from public.${target} as target
           where target.id = held.id and target.workspace_id = holder.workspace_id
         )
         or (select count(*) from unnest(holder.${column}) as other (id) where other.id = held.id) > 1`,
    ]),
  ),
  "every workspace has a configuration and an active admin":
    `select workspaces.id as workspace_id, workspaces.name as row
     from public.workspaces
     where not exists (select from public.configuration c where c.workspace_id = workspaces.id)
       or not exists (
         select from public.sales s
         where s.workspace_id = workspaces.id and s.role = 'admin' and not s.disabled
           and s.kind = 'user'
       )`,
  "every user has an account with the same address": `select s.workspace_id, 'sales ' || s.id as row
     from public.sales s
     left join auth.users u on u.id = s.user_id
     where s.kind = 'user' and (u.id is null or lower(u.email) <> lower(s.email::text))`,
  "the member of an API key has no account, and is enabled as long as its key exists":
    `select s.workspace_id, 'sales ' || s.id as row
     from public.sales s
     left join auth.users u on u.id = s.user_id
     left join public.api_keys k on k.id = s.id
     where s.kind = 'key' and (u.id is not null or s.disabled = (k.id is not null))`,
  "the positions of a board's column have no gap": `select workspace_id, 'stage ' || stage as row
     from public.deals
     where archived_at is null
     group by workspace_id, stage
     having count(distinct index) <> count(*) or min(index) <> 0 or max(index) <> count(*) - 1`,
  "private.board_positions has the live deals, with their values":
    `select coalesce(d.workspace_id, p.workspace_id) as workspace_id,
       'deal ' || coalesce(d.id, p.deal_id) as row
     from (select * from public.deals where archived_at is null) d
     full join private.board_positions p on p.deal_id = d.id
     where (d.id, d.stage, d.index, d.amount) is distinct from
       (p.deal_id, p.stage, p.index, p.amount)`,
  "a completed invitation is claimed by no request":
    `select workspace_id, 'invitation ' || id as row
     from public.invitations
     where claimed_until is not null and completed_at is not null`,
  "an idempotency key has an answer, or a lease that ends":
    `select s.workspace_id, k.operation || ' ' || k.idempotency_key as row
     from gateway.idempotency_keys k
     join public.sales s on s.user_id = k.user_id
     where k.status is null and coalesce(k.locked_until, 'infinity') > now() + interval '1 minute'`,
  "no file that a note has is queued for removal": `select r.workspace_id, r.path as row
     from private.attachment_removals r
     where private.is_file_in_use(r.workspace_id, r.path)`,
};

/** Asserts that every invariant holds in these workspaces. `database` is a superuser's connection. */
export async function assertInvariants(database: Sql, workspaceIds: string[]): Promise<void> {
  const all = { ...INVARIANTS, ...await invariantsOfTrashedTables(database) };
  const queries = Object.entries(all).map(([invariant, query]) =>
    `select '${
      invariant.replaceAll("'", "''")
    }' as invariant, workspace_id, row::text from (${query}) as offenders`
  );
  const rows = await database.unsafe<Offender[]>(
    `select invariant, row
     from (${queries.join(" union all ")}) as offenders
     where workspace_id = any ($1::text::uuid[])
     order by invariant, row`,
    [`{${workspaceIds}}`],
  );
  assertEquals(rows.map(({ invariant, row }) => ({ invariant, row })), []);
}

/**
 * For every table whose deleted rows go to the trash: trash and table are disjoint, a child in the trash
 * has its root there, and the last entry of the audit log says where a record is.
 */
async function invariantsOfTrashedTables(database: Sql): Promise<Record<string, Query>> {
  const tables = await database<{ name: string }[]>`
    select distinct tgrelid::regclass::text as name
    from pg_trigger
    join pg_proc on pg_proc.oid = tgfoid
    where pronamespace = 'private'::regnamespace and proname = 'move_to_trash'
    order by name`;
  if (tables.length === 0) throw new Error("No table has the trigger of the trash.");
  return Object.fromEntries(tables.flatMap(({ name }) => {
    const table = name.replace(/^public\./, "");
    return [
      [
        `a record of ${table} is live or in the trash, and the audit log agrees`,
        whereabouts(table),
      ],
    ];
  }));
}

function whereabouts(table: string): Query {
  return `
    select workspace_id,
      '${table} ' || record_id || ': last ' || coalesce(action, 'unlogged') || ', live '
        || is_live || ', in trash ' || in_trash as row
    from (
      select coalesce(live.workspace_id, trashed.workspace_id, logged.workspace_id) as workspace_id,
        coalesce(live.id, trashed.record_id, logged.record_id) as record_id,
        logged.action,
        live.id is not null as is_live,
        coalesce(trashed.count, 0) as in_trash
      from public.${table} as live
      full join (
        select workspace_id, record_id, count(*) as count
        from private.trash
        where table_name = '${table}'
        group by workspace_id, record_id
      ) as trashed on trashed.record_id = live.id
      full join (
        select distinct on (record_id) workspace_id, record_id, action
        from public.audit_log
        where table_name = '${table}'
        order by record_id, id desc
      ) as logged on logged.record_id = coalesce(live.id, trashed.record_id)
    ) as records
    where case
      when action in ('deleted', 'merged') then is_live or in_trash <> 1
      when action = 'purged' then is_live or in_trash <> 0
      else not is_live or in_trash <> 0
    end`;
}
