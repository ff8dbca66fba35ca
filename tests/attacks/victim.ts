/**
 * A workspace full of recognisable values, for tests that nothing of it reaches other callers: rows in
 * every table of the catalogue, rows in the trash, files in both buckets.
 */
import postgres from "postgres";
import {
  insertRecord,
  insertSampleRows,
  readRelations,
  type Relation,
} from "../database/sampleRows.ts";
import { type Column, type SampleRows, sampleValues } from "../database/sampleValues.ts";
import { type Member, type Row, sql, type Tenant } from "../support/database.ts";
import { present } from "../support/exactly.ts";
import { bytesOf, upload } from "../support/files.ts";
import { createWorkspace, stack, type TestMember, type Workspace } from "../support/workspace.ts";

/** The workspace, and what no other caller may receive. */
export interface Victim {
  workspace: Workspace;
  relations: Relation[];
  /** A row of every table. */
  rows: SampleRows;
  /** The id of the row of a table, as text. */
  idOf(table: string): string;
  /** An id of the same form that never existed. */
  absentIdOf(table: string): string;
  /** The word in every text, and in the names of the files. */
  marker: string;
  /** Bucket → path of a file. */
  files: Record<string, string>;
  /** Texts that no other caller may receive. */
  secrets: string[];
}

/** Further than the distance between the ids of two tables. */
const ABSENT = 1_000_000;

/** Makes the workspace. */
export async function createVictim(): Promise<Victim> {
  const relations = await readRelations();
  const tables = relations.filter(({ kind }) => kind === "table");
  const workspace = await createWorkspace();
  const [marker, deleted] = [crypto.randomUUID(), crypto.randomUUID()];
  const rows = await existingRows(workspace);
  const ids = idsFrom(1e12 + Math.floor(Math.random() * 8e12));
  const trashed: SampleRows = { ...rows };
  for (const table of parentsFirst(tables)) {
    rows[table.name] ??= await insertMarked(table, rows, marker, ids);
    trashed[table.name] ??= await insertMarked(table, trashed, deleted, ids);
    await mark(table, present(rows[table.name], table.name), marker);
  }
  await workspace.admin.api.patch("/configuration", { config: { title: marker } });
  await removeRows(parentsFirst(tables).reverse(), trashed, rows);
  const files = await uploadFiles(workspace.admin, marker);
  const idOf = (table: string) => String(present(rows[table], table).id);
  return {
    ...{ workspace, relations, rows, idOf, marker, files },
    absentIdOf: (table) => absentId(idOf(table)),
    secrets: [
      ...[marker, deleted, workspace.id, workspace.admin.user_id, workspace.admin.email],
      ...Object.values(rows).map(({ id }) => String(id)).filter((id) => id.length > 8),
      ...Object.values(trashed).map(({ id }) => String(id)).filter((id) => id.length > 8),
    ],
  };
}

/** A member of another workspace, whose tables have rows too. */
export async function withRows(workspace: Workspace, relations: Relation[]): Promise<SampleRows> {
  const { admin } = workspace;
  const claims = { role: "authenticated" as const, sub: admin.user_id };
  const owner: Member = { ...admin, workspace_id: workspace.id, claims };
  const tenant: Tenant = {
    workspace_id: workspace.id,
    admin: owner,
    join: () => Promise.reject(new Error("Nobody joins.")),
  };
  return await insertSampleRows(relations, tenant, owner);
}

function absentId(id: string): string {
  return /^\d+$/.test(id) ? String(Number(id) + ABSENT) : crypto.randomUUID();
}

/** Ids that nothing else has, so that an answer that contains one is recognised. */
function idsFrom(start: number): () => number {
  let next = start;
  return () => next++;
}

async function existingRows({ id, admin }: Workspace): Promise<SampleRows> {
  const [workspaces] = await sql`select * from public.workspaces where id = ${id}`;
  const [sales] = await sql`select * from public.sales where id = ${admin.id}`;
  const [configuration] = await sql`
    select * from public.configuration where workspace_id = ${id}`;
  return {
    workspaces: present(workspaces, "workspace"),
    sales: present(sales, "member"),
    configuration: present(configuration, "configuration"),
  };
}

async function insertMarked(
  table: Relation,
  rows: SampleRows,
  marker: string,
  nextId: () => number,
): Promise<Row> {
  const values = sampleValues(table, rows, marker);
  const numbered = table.columns.some(({ name, type }) => name === "id" && type === "bigint");
  return await insertRecord(sql, table, numbered ? { id: nextId(), ...values } : values);
}

/** Writes the marker into every other column that takes it. */
async function mark(table: Relation, row: Row, marker: string): Promise<void> {
  for (const column of table.columns) {
    const value = markedValue(column, table, marker);
    if (value === undefined) continue;
    const keys = table.key.map((key) => sql`and ${sql(key)} = ${row[key]}`);
    const relation = sql("public." + table.name);
    await sql`
      update ${relation} set ${sql(column.name)} = (
        select ${sql(column.name)}
        from jsonb_populate_record(null::${relation}, ${
      JSON.stringify({ [column.name]: value })
    }::text::jsonb)
      )
      where true ${keys}`.catch(ignoreRefusedValue);
  }
}

/** A value that a check, a trigger or a generated column refuses stays as it is. */
function ignoreRefusedValue(error: unknown): void {
  if (!(error instanceof postgres.PostgresError)) throw error;
}

function markedValue({ name, type, parent }: Column, { key }: Relation, marker: string): unknown {
  if (parent || key.includes(name) || name === "config") return undefined;
  const values: Record<string, unknown> = {
    text: marker,
    "extensions.citext": `${marker}@example.test`,
    jsonb: { src: marker, title: marker },
    "jsonb[]": [{ src: marker, title: marker }],
  };
  return values[type];
}

/** Deletes the second row of each table, so that the trash holds it. */
async function removeRows(tables: Relation[], rows: SampleRows, kept: SampleRows): Promise<void> {
  for (const { name } of tables) {
    const id = rows[name]?.id;
    if (id === undefined || id === kept[name]?.id || name === "audit_log") continue;
    await sql`delete from ${sql("public." + name)} where id = ${id}`;
  }
}

async function uploadFiles(admin: TestMember, marker: string): Promise<Record<string, string>> {
  const form = new FormData();
  form.append("file", new Blob([bytesOf(marker)], { type: "text/plain" }), "file.txt");
  const path = `${marker}.txt`;
  const response = await fetch(`${stack.apiUrl}/storage/v1/object/attachments/${path}`, {
    method: "POST",
    headers: { apikey: stack.publishableKey, Authorization: `Bearer ${admin.token}` },
    body: form,
  });
  if (!response.ok) throw new Error(await response.text());
  await response.body?.cancel();
  return { attachments: path, "portico-attachments": await upload(admin, `${marker}.pdf`) };
}

function parentsFirst(tables: Relation[]): Relation[] {
  const ordered = new Set<Relation>();
  const visit = (table: Relation) => {
    for (const { parent } of table.columns) {
      const found = tables.find(({ name }) => name === parent);
      if (found && found !== table && !ordered.has(found)) visit(found);
    }
    ordered.add(table);
  };
  tables.forEach(visit);
  return [...ordered];
}
