/** The positions of the board stay without gaps and doubles, however deals leave it and come back. */
import { assert, assertEquals } from "@std/assert";
import { create, dataApi, insertRows } from "../../support/records.ts";
import { exactly } from "../../support/exactly.ts";
import { pick, seeded } from "../../support/random.ts";
import { createWorkspace, sql, test, type Workspace } from "../../support/workspace.ts";
import { columnOf } from "./board.ts";

const STAGES = ["opportunity", "won", "lost"];

/** Live deals whose position is not their rank in the column. */
async function misplaced({ id }: Workspace) {
  const rows = await sql`
    select placed.id, placed.stage, placed.index, placed.position
    from (
      select
        d.*, row_number() over (partition by d.stage order by d.index, d.id) - 1 as position
      from public.deals d
      where d.workspace_id = ${id} and d.archived_at is null
    ) as placed
    where placed.index is distinct from placed.position`;
  return rows.map((row) => ({ ...row }));
}

/** A company with three deals in each stage, between three deals of no company. */
async function boardOf(workspace: Workspace): Promise<number> {
  const { api } = workspace.admin;
  const company_id = await create(api, "/companies", { name: "Analytical" });
  for (const stage of STAGES) {
    for (let number = 0; number < 3; number++) {
      await create(api, "/deals", { name: `Own ${number}`, stage, company_id });
      await create(api, "/deals", { name: `Other ${number}`, stage });
    }
  }
  return company_id;
}

async function board(workspace: Workspace): Promise<number[][]> {
  return await Promise.all(STAGES.map((stage) => columnOf(workspace, stage)));
}

test("companies.delete closes the gaps of its deals, companies.restore puts them back in their places", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const company = await boardOf(workspace);
  const before = await board(workspace);
  assertEquals((await api.delete(`/companies/${company}`)).status, 204);
  assertEquals((await board(workspace)).map(({ length }) => length), [3, 3, 3]);
  assertEquals((await api.post(`/companies/${company}/restore`)).status, 200);
  assertEquals(await board(workspace), before);
});

test("trash.restore of deals puts each at its former position, the last ones at the end", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const company = await boardOf(workspace);
  const column = await columnOf(workspace, "opportunity");
  await api.delete(`/companies/${company}`);
  const others = await columnOf(workspace, "opportunity");
  for (const id of others.slice(1)) await api.delete(`/deals/${id}`);
  await api.post(`/companies/${company}/restore`);
  const restored = await columnOf(workspace, "opportunity");
  assertEquals(restored.length, 4);
  const own = column.filter((id) => !others.includes(id));
  assertEquals(restored.filter((id) => own.includes(id)), own);
});

test("the Data API leaves no gaps when it deletes or archives deals and deletes companies", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const company = await boardOf(workspace);
  const [first, second] = exactly(6, await columnOf(workspace, "opportunity"));
  const [other] = exactly(6, await columnOf(workspace, "won"));
  const requests: [string, string, unknown?][] = [
    ["DELETE", `deals?id=eq.${first}`],
    ["PATCH", `deals?id=eq.${second}`, { archived_at: new Date().toISOString() }],
    ["DELETE", `deals?id=in.(${other})`],
    ["DELETE", `companies?id=eq.${company}`],
  ];
  for (const [method, path, body] of requests) {
    const status = await dataApi(admin, method, path, body);
    assert(status < 300, `${method} ${path}: ${status}`);
    assertEquals(await misplaced(workspace), [], `${method} ${path}`);
  }
});

test("a script that deletes deals of two workspaces leaves no gaps in either", async () => {
  const workspaces = [await createWorkspace(), await createWorkspace()];
  const ids: number[] = [];
  for (const workspace of workspaces) {
    const rows = [0, 1, 2].map((index) => ({ name: "Deal", stage: "won", index }));
    ids.push(...(await insertRows(workspace, "deals", rows)).slice(1, 2));
  }
  await sql`delete from public.deals where id = any (${ids}::bigint[])`;
  for (const workspace of workspaces) {
    assertEquals((await columnOf(workspace, "won")).length, 2);
  }
});

/** A request of a random member of the board. The ids are those of live records. */
type Step = (workspace: Workspace, ids: Ids, random: () => number) => Promise<unknown>;

interface Ids {
  deals: number[];
  companies: number[];
  contacts: number[];
  trash: number[];
}

const STEPS: Record<string, Step> = {
  deal: ({ admin: { api } }, { companies, contacts }, random) =>
    api.post("/deals", {
      name: "Deal",
      stage: pick(random, STAGES),
      ...(companies.length > 0 && { company_id: pick(random, companies) }),
      ...(contacts.length > 0 && { contact_ids: [pick(random, contacts)] }),
    }),
  company: ({ admin: { api } }) => api.post("/companies", { name: "Company" }),
  contact: ({ admin: { api } }) => api.post("/contacts", { first_name: "Ada" }),
  move: ({ admin: { api } }, { deals }, random) =>
    api.post(`/deals/${pick(random, deals)}/move`, {
      stage: pick(random, STAGES),
      index: Math.floor(random() * 4),
    }),
  stage: ({ admin: { api } }, { deals }, random) =>
    api.patch(`/deals/${pick(random, deals)}`, { stage: pick(random, STAGES) }),
  archive: ({ admin: { api } }, { deals }, random) =>
    api.post(`/deals/${pick(random, deals)}/archive`),
  unarchive: ({ admin: { api } }, { deals }, random) =>
    api.post(`/deals/${pick(random, deals)}/unarchive`),
  archiveByDataApi: ({ admin }, { deals }, random) =>
    dataApi(admin, "PATCH", `deals?id=eq.${pick(random, deals)}`, { archived_at: "2026-01-01" }),
  remove: ({ admin: { api } }, { deals }, random) => api.delete(`/deals/${pick(random, deals)}`),
  removeByDataApi: ({ admin }, { deals }, random) =>
    dataApi(admin, "DELETE", `deals?id=eq.${pick(random, deals)}`, undefined),
  removeMany: ({ admin: { api } }, { deals }, random) =>
    api.post("/deals/bulk", {
      ids: [...new Set([pick(random, deals), pick(random, deals)])],
      delete: true,
    }),
  removeCompany: ({ admin: { api } }, { companies }, random) =>
    api.delete(`/companies/${pick(random, companies)}`),
  removeCompanyByDataApi: ({ admin }, { companies }, random) =>
    dataApi(admin, "DELETE", `companies?id=eq.${pick(random, companies)}`, undefined),
  removeContact: ({ admin: { api } }, { contacts }, random) =>
    api.delete(`/contacts/${pick(random, contacts)}`),
  merge: ({ admin: { api } }, { contacts }, random) =>
    api.post(`/contacts/${pick(random, contacts)}/merge`, { loser_ids: [pick(random, contacts)] }),
  restore: ({ admin: { api } }, { trash }, random) =>
    api.post(`/trash/${pick(random, trash)}/restore`),
  restoreOther: ({ admin: { api } }, { trash }, random) =>
    api.post(`/trash/${pick(random, trash)}/restore`),
  purge: ({ admin: { api } }, { trash }, random) => api.delete(`/trash/${pick(random, trash)}`),
};

async function idsOf({ id }: Workspace): Promise<Ids> {
  const read = async (table: string) =>
    (await sql<{ id: number }[]>`
      select id::int as id from ${sql(table)} where workspace_id = ${id} order by id`)
      .map((row) => row.id);
  const [deals, companies, contacts, trash] = await Promise.all([
    read("public.deals"),
    read("public.companies"),
    read("public.contacts"),
    read("private.trash"),
  ]);
  return { deals, companies, contacts, trash };
}

/** The step that gives the others something to pick from. */
function nextStep({ deals, companies, contacts, trash }: Ids): string | undefined {
  if (companies.length === 0) return "company";
  if (contacts.length === 0) return "contact";
  if (deals.length === 0) return "deal";
  return trash.length === 0 ? "remove" : undefined;
}

for (const seed of [1, 2, 3]) {
  test(`the positions of the board have no gaps and doubles after 80 random requests (${seed})`, async () => {
    const random = seeded(seed);
    const workspace = await createWorkspace();
    await boardOf(workspace);
    for (let step = 0; step < 80; step++) {
      const ids = await idsOf(workspace);
      const name = nextStep(ids) ?? pick(random, Object.keys(STEPS));
      await STEPS[name]?.(workspace, ids, random);
      assertEquals(await misplaced(workspace), [], `step ${step}: ${name}`);
    }
  });
}

test("requests that delete and create deals of a column at the same time all succeed", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const company = await boardOf(workspace);
  const column = await columnOf(workspace, "opportunity");
  const answers = await Promise.all([
    admin.api.delete(`/companies/${company}`),
    ...column.map((id) => dataApi(admin, "DELETE", `deals?id=eq.${id}`, undefined)),
    ...column.map(() => admin.api.post("/deals", { name: "New", stage: "opportunity" })),
  ]);
  const statuses = answers.map((answer) => typeof answer === "number" ? answer : answer.status);
  assertEquals(statuses.filter((status) => status >= 300), []);
  assertEquals(await misplaced(workspace), []);
});
