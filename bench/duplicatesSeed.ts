/** Writes a labelled sample into a workspace, and reads the pairs that the database finds in it. */
import type postgres from "postgres";
import type { FoundPair, Sample } from "./duplicatesSample.ts";

type Database = Pick<postgres.Sql, "begin"> & postgres.Sql;

/** Where a sample goes. */
export interface Target {
  workspaceId: string;
  memberId: number;
  /** Claims of a member of the workspace. */
  claims: string;
}

/** Ids of the records, in the order of the sample. */
export interface SampleIds {
  companies: number[];
  contacts: number[];
}

/** Inserts the sample. */
export async function insertSample(
  sql: Database,
  { workspaceId, memberId }: Target,
  sample: Sample,
): Promise<SampleIds> {
  const companies = await sql<{ id: number }[]>`
    insert into public.companies (workspace_id, sales_id, name, website, city)
    select ${workspaceId}, ${memberId}, name, website, city
    from jsonb_to_recordset(${JSON.stringify(sample.companies)}::text::jsonb)
      as company (name text, website text, city text)
    returning id::float8 as id`;
  const rows = sample.contacts.map(({ company, ...contact }) => ({
    ...contact,
    company_id: company === null ? null : companies[company]?.id,
  }));
  const contacts = await sql<{ id: number }[]>`
    insert into public.contacts (
      workspace_id, sales_id, first_name, last_name, company_id, email_jsonb, phone_jsonb
    )
    select
      ${workspaceId}, ${memberId}, first_name, last_name, company_id,
      case when email is not null then
        jsonb_build_array(jsonb_build_object('email', email, 'type', 'Work'))
      end,
      case when phone is not null then
        jsonb_build_array(jsonb_build_object('number', phone, 'type', 'Work'))
      end
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as contact (
      first_name text, last_name text, company_id bigint, email text, phone text
    )
    returning id::float8 as id`;
  return { companies: companies.map(({ id }) => id), contacts: contacts.map(({ id }) => id) };
}

/** Returns the pairs of contacts or companies that the database finds, as indexes of the sample. */
export async function findPairs(
  sql: Database,
  { claims }: Target,
  kind: "contact" | "company",
  ids: number[],
): Promise<FoundPair[]> {
  const index = new Map(ids.map((id, at) => [id, at]));
  const rows = await sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${claims}, true)`;
    return await tx<{ id: number; other_id: number; score: number }[]>`
      select id::float8 as id, other_id::float8 as other_id, score::float8 as score
      from private.${tx(`${kind}_duplicates`)}()`;
  });
  return rows.map(({ id, other_id, score }) => ({
    left: index.get(id) ?? -1,
    right: index.get(other_id) ?? -1,
    score,
  }));
}
