/** The example with Drizzle runs under row-level security. */
import { assertEquals, assertRejects } from "@std/assert";
import { asCaller, connect, openDealsByCompany } from "../../examples/drizzle/asCaller.ts";
import { companies } from "../../examples/drizzle/schema.ts";
import { createWorkspace, sql, stack, test, type Workspace } from "../support/workspace.ts";

async function addDeal(workspace: Workspace, company: string, deal: object): Promise<void> {
  const { api } = workspace.admin;
  const created = await api.post("/companies", { name: company });
  const { status } = await api.post("/deals", {
    name: "A deal",
    stage: "opportunity",
    company_id: created.body.id,
    ...deal,
  });
  assertEquals(status, 201);
}

function claimsOf({ admin }: Workspace) {
  return { sub: admin.user_id, role: "authenticated" as const };
}

test("examples: Drizzle sums the open deals of only the caller's workspace", async () => {
  const [ours, theirs] = await Promise.all([createWorkspace(), createWorkspace()]);
  await addDeal(ours, "Small", { amount: 100 });
  await addDeal(ours, "Large", { amount: 900 });
  await addDeal(ours, "Closed", { amount: 5_000, stage: "won" });
  await addDeal(theirs, "Foreign", { amount: 7_000 });
  const database = connect(stack.superuserUrl);
  try {
    assertEquals(await asCaller(database, claimsOf(ours), openDealsByCompany), [
      { company: "Large", deals: 1, amount: 900 },
      { company: "Small", deals: 1, amount: 100 },
    ]);
  } finally {
    await database.$client.end();
  }
});

test("examples: Drizzle inserts into the caller's workspace", async () => {
  const workspace = await createWorkspace();
  const database = connect(stack.superuserUrl);
  try {
    const inserted = await asCaller(
      database,
      claimsOf(workspace),
      (transaction) => transaction.insert(companies).values({ name: "Ours" }).returning(),
    );
    assertEquals(inserted.map(({ name, workspace_id }) => [name, workspace_id]), [
      ["Ours", workspace.id],
    ]);
  } finally {
    await database.$client.end();
  }
});

test("examples: Drizzle rolls a failed transaction of a caller back", async () => {
  const workspace = await createWorkspace();
  const database = connect(stack.superuserUrl);
  try {
    const failing = asCaller(database, claimsOf(workspace), async (transaction) => {
      await transaction.insert(companies).values({ name: "Gone" });
      throw new Error("on purpose");
    });
    await assertRejects(() => failing, Error, "on purpose");
    const left = await sql`select from companies where workspace_id = ${workspace.id}`;
    assertEquals(left.length, 0);
  } finally {
    await database.$client.end();
  }
});
