/** Undo of whole imports: every table is as before, whatever the file created, changed and made on the way. */
import { assertEquals, assertGreater } from "@std/assert";
import { createWorkspace, test, type Workspace } from "../support/workspace.ts";
import { importFile } from "../api/imports/importing.ts";
import { differences, type Snapshot, snapshotOf, withoutCreated } from "./snapshot.ts";

/** The rows of the workspace, without its imports: they stay, and say that they were undone. */
async function stateOf(workspaceId: string): Promise<Snapshot> {
  const { imports: _imports, ...others } = await snapshotOf(workspaceId);
  return others;
}

/** Imports a file and undoes it. Asserts that it created records, and that the state is as before. */
async function importAndUndo(
  { id, admin }: Workspace,
  file: Record<string, unknown>,
): Promise<void> {
  const before = await stateOf(id);
  const done = await importFile(admin, file);
  assertGreater(done.created_count, 0);
  const after = await stateOf(id);
  const undone = await admin.api.post(`/imports/${done.id}/undo`, {});
  assertEquals([undone.status, undone.body.complete], [200, true], JSON.stringify(undone.body));
  const returned = withoutCreated(await stateOf(id), before, after);
  assertEquals(differences(before, returned), {});
}

const FIRST = [
  "Record ID,First name,Email,Company,Tags,Newsletter",
  '1,Ada,ada@example.com,Engines,"vip, early",yes',
  "2,Grace,grace@example.com,Navy,vip,no",
].join("\n");
const SECOND = [
  "Record ID,First name,Email,Company,Tags,Newsletter,Job title",
  '1,Augusta,second@example.com,Engines,"vip, late",no,Countess',
  "3,Alan,alan@example.com,Bletchley,late,yes,",
  "4,Broken,no address,,,,",
].join("\n");

for (const policy of ["create", "update", "skip", "merge"]) {
  test(`imports.undo returns every table to its state before an import with ${policy}`, async () => {
    const workspace = await createWorkspace();
    await importFile(workspace.admin, { content: FIRST, source: "hubspot" });
    await importAndUndo(workspace, { content: SECOND, source: "hubspot", policy });
  });
}

test("imports.undo of deals and tasks returns boards and relations to their state", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  await importFile(admin, { content: FIRST });
  const deals = "Deal name,Stage,Company,Contact email\nOne,opportunity,Engines,ada@example.com";
  await importFile(admin, { record_type: "deals", content: deals });
  const more = `${deals}\nTwo,opportunity,New,grace@example.com`;
  await importAndUndo(workspace, { record_type: "deals", content: more });
  const tasks = "Contact email,Type,Subject\nada@example.com,call,Ring her";
  await importAndUndo(workspace, { record_type: "tasks", content: tasks });
});
