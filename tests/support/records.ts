/**
 * Records of a workspace, inserted and read without the API: rows of a superuser, all rows of a
 * workspace, and references to missing contacts.
 */
import { only } from "./exactly.ts";
import {
  type Answer,
  answerOf,
  type Api,
  sql,
  stack,
  type TestMember,
  type Workspace,
} from "./workspace.ts";

type Values = Record<string, unknown>;

/** A tuple with one id for each row. */
type Ids<Rows extends readonly Values[]> = { -readonly [Index in keyof Rows]: number };

/**
 * Inserts rows into a table of `public`. The admin owns them unless they name another owner. Returns
 * their ids in order. Throws when a row was not inserted.
 *
 *     const [winner, loser] = await insertRows(workspace, "contacts", [{}, {}]);
 */
export async function insertRows<const Rows extends readonly Values[]>(
  workspace: Workspace,
  table: string,
  rows: Rows,
): Promise<Ids<Rows>> {
  const owner = table === "tags" ? {} : { sales_id: workspace.admin.id };
  const complete = rows.map((row) => ({ workspace_id: workspace.id, ...owner, ...row }));
  const columns = [...new Set(complete.flatMap(Object.keys))];
  const inserted = await sql<{ id: number }[]>`
    insert into ${sql("public." + table)} (${sql(columns)})
    select ${sql(columns)}
    from jsonb_populate_recordset(
      null::${sql("public." + table)}, ${JSON.stringify(complete)}::text::jsonb
    )
    returning id::int as id`;
  const ids = inserted.map(({ id }) => id);
  if (!isComplete(ids, rows)) {
    throw new Error(`${table} took ${ids.length} of ${rows.length} rows.`);
  }
  return ids;
}

function isComplete<Rows extends readonly Values[]>(
  ids: number[],
  rows: Rows,
): ids is number[] & Ids<Rows> {
  return ids.length === rows.length;
}

/** Inserts one row. Returns its id. */
export async function insertRow(
  workspace: Workspace,
  table: string,
  values: Values = {},
): Promise<number> {
  const [id] = await insertRows(workspace, table, [values]);
  return id;
}

/** Inserts a contact called Ada. Returns its id. */
export function contactOf(workspace: Workspace, values: Values = {}): Promise<number> {
  return insertRow(workspace, "contacts", { first_name: "Ada", ...values });
}

/** Creates a record by a request. Returns its id. Throws unless the answer is 201. */
export async function create(api: Api, path: string, values: Values): Promise<number> {
  const { status, body } = await api.post(path, values);
  if (status !== 201) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

/** A row of `public` as JSON; undefined when it does not exist. */
export async function rowOf(table: string, id: number): Promise<Values | undefined> {
  const [found] = await sql<{ row: Values }[]>`
    select to_jsonb(record) - 'search' as row
    from ${sql("public." + table)} as record
    where id = ${id}`;
  return found?.row;
}

/** Every row of a workspace, of every table that has a `workspace_id`, as sorted text. */
export async function everythingIn(workspaceId: string): Promise<string[]> {
  everything ??= selectEverything();
  const rows = await sql.unsafe<{ row: string }[]>(await everything, [workspaceId]);
  return rows.map(({ row }) => row).sort();
}

let everything: Promise<string> | undefined;

/** One statement that reads all tables, so that all rows are of the same time. */
async function selectEverything(): Promise<string> {
  const selects = (await workspaceTables()).map(({ schema_name, table_name }) => `
    select '${schema_name}.${table_name} ' || to_jsonb(record)::text as row
    from ${schema_name}.${table_name} as record
    where workspace_id = $1::uuid`);
  return selects.join(" union all ");
}

/** The numbers of rows of a workspace in each of these tables. */
export async function countRows(workspaceId: string, tables: string[]) {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { count } = only(
      await sql<{ count: number }[]>`
      select count(*)::int as count from ${sql("public." + table)}
      where workspace_id = ${workspaceId}`,
    );
    counts[table] = count;
  }
  return counts;
}

/**
 * References to contacts that do not exist: in every foreign key to contacts, and in every column of
 * `public` called contact_id or contact_ids.
 */
export async function danglingContacts(workspaceId: string): Promise<string[]> {
  const columns = await sql<{ table_name: string; column_name: string; is_array: boolean }[]>`
    select distinct c.relname as table_name, a.attname as column_name, t.typcategory = 'A' as is_array
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      and (
        a.attname in ('contact_id', 'contact_ids')
        or exists (
          select from pg_constraint k
          where k.contype = 'f'
            and k.confrelid = 'public.contacts'::regclass
            and k.conrelid = c.oid
            and a.attnum = any (k.conkey)
            and a.attname <> 'workspace_id'
        )
      )`;
  const dangling: string[] = [];
  for (const { table_name, column_name, is_array } of columns) {
    const held = is_array ? sql`unnest(${sql(column_name)})` : sql`${sql(column_name)}`;
    const rows = await sql<{ id: string; held: string }[]>`
      select id, held
      from (
        select id, ${held} as held from ${sql("public." + table_name)}
        where workspace_id = ${workspaceId}
      ) as holders
      where held not in (select id from public.contacts where workspace_id = ${workspaceId})`;
    dangling.push(...rows.map(({ id, held }) => `${table_name} ${id}.${column_name} → ${held}`));
  }
  return dangling;
}

/** Sends a request of Atomic CRM's frontend to the Data API as a member. Returns its status. */
export async function dataApi(
  member: TestMember,
  method: string,
  path: string,
  body: unknown,
): Promise<number> {
  return (await dataApiAnswer(member, method, path, JSON.stringify(body))).status;
}

/** Sends a request with this text to the Data API as a member. */
export async function dataApiAnswer(
  member: TestMember,
  method: string,
  path: string,
  body?: string,
): Promise<Answer> {
  return await answerOf(
    await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
      method,
      headers: {
        apikey: stack.publishableKey,
        Authorization: `Bearer ${member.token}`,
        "Content-Type": "application/json",
      },
      body,
    }),
  );
}

async function workspaceTables() {
  return await sql<{ schema_name: string; table_name: string }[]>`
    select n.nspname as schema_name, c.relname as table_name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname in ('public', 'private')
    order by 1, 2`;
}
