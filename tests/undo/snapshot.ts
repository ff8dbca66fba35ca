/** The stored state of a workspace, to compare before a change and after its undo. */
import { only } from "../support/exactly.ts";
import { sql } from "../support/workspace.ts";

/** Table → rows as JSON texts, in a fixed order. */
export type Snapshot = Record<string, string[]>;

/** Columns that an undo does not return: when a row changed, and what is derived from others. */
const DERIVED = ["updated_at", "search"];
/** Columns that name the deletion, which a repeated deletion does not repeat. */
const OF_A_DELETION = ["id", "batch", "deleted_at", "deleted_by", "request_id", "root_id"];
/** The log itself, and what is written once and never returns. */
const WITHOUT = [
  "changes",
  "audit_log",
  "attachment_removals",
  "picture_fetches",
];

const tables = await sql<{ schema_name: string; table_name: string }[]>`
  select n.nspname as schema_name, c.relname as table_name
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'private')
    and c.relname <> all (${WITHOUT})
  order by 1, 2`;

/** Returns all rows of the workspace, without derived columns. One statement, so one snapshot. */
export async function snapshotOf(workspaceId: string): Promise<Snapshot> {
  const parts = tables.map(({ schema_name, table_name }) => {
    const left = table_name === "trash" ? [...DERIVED, ...OF_A_DELETION] : DERIVED;
    const row = table_name === "trash"
      ? sql`to_jsonb(t) || jsonb_build_object('record', t.record - 'updated_at')`
      : sql`to_jsonb(t)`;
    return sql`
      select ${table_name}::text as name, coalesce(jsonb_agg(r.text order by r.text), '[]') as rows
      from (
        select ((${row}) - ${left}::text[])::text as text
        from ${sql(schema_name)}.${sql(table_name)} t
        where t.workspace_id = ${workspaceId}
      ) as r`;
  });
  const union = parts.slice(1).reduce(
    (all, part) => sql`${all} union all ${part}`,
    parts[0] ?? sql``,
  );
  const { state } = only(
    await sql<{ state: Snapshot }[]>`
      select jsonb_object_agg(name, rows) as state from (${union}) as all_tables`,
  );
  const trash = (state.trash ?? []).map((row) => withoutTrashedIds(row, state));
  return withoutRevokedKeys(withoutDisabledOwners({ ...state, trash }));
}

/** The member of a revoked key stays, since records and the log name it. */
function withoutRevokedKeys(state: Snapshot): Snapshot {
  const sales = (state.sales ?? []).filter((row) => {
    const { id, kind } = JSON.parse(row);
    return kind !== "key" || hasRow(state, "api_keys", id);
  });
  return { ...state, sales };
}

/** A record whose owner is disabled has no owner when it returns, so such owners are left out. */
function withoutDisabledOwners(state: Snapshot): Snapshot {
  const members: { id: number; disabled: boolean }[] = (state.sales ?? []).map((row) =>
    JSON.parse(row)
  );
  const disabled = members.filter((member) => member.disabled).map(({ id }) => id);
  if (disabled.length === 0) return state;
  const owner = new RegExp(`("sales_id": ?)(${disabled.join("|")})(?=[,}])`, "g");
  return Object.fromEntries(
    Object.entries(state).map(([name, rows]) => [
      name,
      rows.map((row) => row.replace(owner, "$1null")),
    ]),
  );
}

interface TrashRow {
  table_name: string;
  record: Record<string, unknown>;
  array_references: { table: string; id: number }[];
}

const idArrays = await sql<{ table_name: string; column_name: string; referenced_table: string }[]>`
  select table_name, column_name, referenced_table from private.id_arrays`;

/**
 * When both a holder and a record in its array are in the trash, either of them knows the position.
 * So ids of records in the trash, and positions in holders in the trash, are left out. So is the
 * position of a deal on the board, which is bounded by the deals that are there when it returns.
 */
function withoutTrashedIds(text: string, state: Snapshot): string {
  const row: TrashRow = JSON.parse(text);
  const array_references = row.array_references.filter(({ table, id }) => hasRow(state, table, id));
  const arrays = idArrays.filter(({ table_name, column_name }) =>
    table_name === row.table_name && Array.isArray(row.record[column_name])
  );
  const live = arrays.map(({ column_name, referenced_table }) => [
    column_name,
    [row.record[column_name]].flat().filter((id) => hasRow(state, referenced_table, Number(id))),
  ]);
  const { index: _, ...record } = { ...row.record, ...Object.fromEntries(live) };
  return JSON.stringify({ ...row, record, array_references });
}

/** Returns the rows that two snapshots do not share, by table; empty when they are equal. */
export function differences(before: Snapshot, after: Snapshot): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(before)) {
    const [left, right] = [before[name] ?? [], after[name] ?? []];
    const missing = left.filter((row) => !right.includes(row));
    const added = right.filter((row) => !left.includes(row));
    if (missing.length + added.length > 0) found[name] = { missing, added };
  }
  return found;
}

/** Returns a snapshot without the rows of the trash whose records are live in `after` alone. */
export function withoutCreated(snapshot: Snapshot, before: Snapshot, after: Snapshot): Snapshot {
  const created = ({ table_name, record_id }: { table_name: string; record_id: number }) =>
    hasRow(after, table_name, record_id) && !hasRow(before, table_name, record_id);
  const former = new Set((before.trash ?? []).map(nameOf));
  const trash = (snapshot.trash ?? []).filter((row) =>
    former.has(nameOf(row)) || !created(JSON.parse(row))
  );
  return { ...snapshot, trash };
}

function nameOf(row: string): string {
  const { table_name, record_id } = JSON.parse(row);
  return `${table_name} ${record_id}`;
}

/** Returns a snapshot whose trash only names the records. */
export function withTrashedIdsOnly(snapshot: Snapshot): Snapshot {
  return { ...snapshot, trash: (snapshot.trash ?? []).map(nameOf).sort() };
}

function hasRow(snapshot: Snapshot, table: string, id: number): boolean {
  return (snapshot[table] ?? []).some((row) => JSON.parse(row).id === id);
}
