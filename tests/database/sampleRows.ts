/**
 * Rows for every table of schema `public`, made from the catalogue, so that new tables have sample rows
 * without a line here.
 */
import type { Member, Row, Tenant, Transaction } from "../support/database.ts";
import { sql } from "../support/database.ts";
import { type Column, type SampleRows, sampleValues } from "./sampleValues.ts";

/** A table or view of schema `public`. */
export interface Relation {
  name: string;
  kind: "table" | "view";
  /** Columns of the primary key; empty for a view. */
  key: string[];
  columns: Column[];
}

/** Reads all tables and views of schema `public`. */
export async function readRelations(): Promise<Relation[]> {
  return await sql<Relation[]>`
    select
      c.relname as name,
      case when c.relkind in ('r', 'p') then 'table' else 'view' end as kind,
      coalesce(
        (
          select array_agg(a.attname order by a.attnum)
          from pg_index i
          join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
          where i.indrelid = c.oid and i.indisprimary
            -- The driver would lose the microseconds of a time.
            and a.atttypid <> 'timestamptz'::regtype
        ),
        '{}'
      )::text[] as key,
      (
        select jsonb_agg(jsonb_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, null),
          'required', a.attnotnull and not a.atthasdef and a.attidentity = '',
          'parent', (
            select f.confrelid::regclass::text
            from pg_constraint f
            where f.conrelid = c.oid and f.contype = 'f'
              and f.conkey[cardinality(f.conkey)] = a.attnum
              and f.confrelid::regclass::text !~ '^auth'
          )
        ) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ) as columns
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p', 'f')
    order by c.relname`;
}

/** Inserts a row into every table. The member owns it if the table has owners. */
export async function insertSampleRows(
  relations: Relation[],
  tenant: Tenant,
  owner: Member,
): Promise<SampleRows> {
  const rows = await existingRows(tenant, owner);
  for (const relation of parentsFirst(relations)) {
    rows[relation.name] ??= await insertRecord(sql, relation, sampleValues(relation, rows));
  }
  return rows;
}

async function existingRows(tenant: Tenant, owner: Member): Promise<SampleRows> {
  const [workspaces] = await sql`
    select * from public.workspaces where id = ${tenant.workspace_id}`;
  const [sales] = await sql`select * from public.sales where id = ${owner.id}`;
  const [configuration] = await sql`
    select * from public.configuration where workspace_id = ${tenant.workspace_id}`;
  if (!workspaces || !sales || !configuration) throw new Error("The workspace is incomplete.");
  return { workspaces, sales, configuration };
}

function parentsFirst(relations: Relation[]): Relation[] {
  const tables = new Map(
    relations.filter(({ kind }) => kind === "table").map((table) => [table.name, table]),
  );
  const ordered = new Set<Relation>();
  const visit = (table: Relation) => {
    for (const { parent } of table.columns) {
      const parentTable = tables.get(parent ?? "");
      if (parentTable && parentTable !== table) visit(parentTable);
    }
    ordered.add(table);
  };
  tables.forEach(visit);
  return [...ordered];
}

/** Inserts a row whose values are JSON, for columns of any type. Returns the row. */
export async function insertRecord(
  tx: Transaction | typeof sql,
  relation: Relation,
  values: Row,
): Promise<Row> {
  const table = tx("public." + relation.name);
  const columns = tx(Object.keys(values));
  const [row] = Object.keys(values).length === 0
    ? await tx`insert into ${table} default values returning *`
    : await tx`
        insert into ${table} (${columns})
        select ${columns} from jsonb_populate_record(null::${table}, ${tx.json(values)})
        returning *`;
  if (!row) throw new Error(`${relation.name} took no row.`);
  return row;
}
