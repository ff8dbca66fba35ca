/** Tests for notes of every kind of record. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "./answers.ts";
import { askForUpload, bytesOf, upload } from "./files.ts";
import { insertRow, insertRows } from "./records.ts";
import { createWorkspace, test } from "./workspace.ts";

/** A kind of note, and the resource that it is about. */
export interface Notes {
  resource: string;
  /** The resource that a note is about. */
  parent: string;
  /** The field of a note that names it. */
  key: string;
  parentValues: Record<string, unknown>;
}

/** Registers the tests of a kind of note. */
export function testNotes(notes: Notes): void {
  testList(notes);
  testTrash(notes);
  testDelete(notes);
  testFiles(notes);
}

function testList({ resource, parent, key, parentValues }: Notes): void {
  const included = key.replace("_id", "");

  test(`${resource}.list filters by record, and sorts the newest first, notes without a date last`, async () => {
    const workspace = await createWorkspace();
    const [one, other] = [
      await insertRow(workspace, parent, parentValues),
      await insertRow(workspace, parent, parentValues),
    ];
    const ids = await insertRows(workspace, resource, [
      { [key]: one, date: "2026-01-01T00:00:00Z" },
      { [key]: one, date: null },
      { [key]: one, date: "2026-03-01T00:00:00Z" },
      { [key]: one, date: "2026-01-01T00:00:00Z" },
      { [key]: other, date: "2026-02-01T00:00:00Z" },
    ]);
    const { body } = await workspace.admin.api.get(
      `/${resource}?${key}=${one}&include=${included},owner`,
    );
    const found = body.data.map(({ id }: { id: number }) => id);
    assertEquals(found, [ids[2], ids[3], ids[0], ids[1]]);
    assertEquals(body.data[0][included].id, one);
    assertEquals(body.data[0].owner.id, workspace.admin.id);
    assertEquals(body.data[0].attachments, []);
  });
}

function testTrash({ resource, parent, key, parentValues }: Notes): void {
  test(`${resource} are deleted and restored with their record`, async () => {
    const workspace = await createWorkspace();
    const { api } = workspace.admin;
    const id = await insertRow(workspace, parent, parentValues);
    const note = await insertRow(workspace, resource, { [key]: id, text: "Met" });
    await api.delete(`/${parent}/${id}`);
    assertProblem(await api.get(`/${resource}/${note}`), 410, "deleted");
    assertProblem(await api.post(`/${resource}/${note}/restore`), 409, "parent_deleted");
    await api.post(`/${parent}/${id}/restore`);
    assertEquals((await api.get(`/${resource}/${note}`)).body.text, "Met");
  });
}

function testDelete({ resource, parent, key, parentValues }: Notes): void {
  test(`${resource}.delete is for the owner and managers, and can be repeated`, async () => {
    const workspace = await createWorkspace();
    const [owner, other] = [await workspace.addMember("rep"), await workspace.addMember("rep")];
    const id = await insertRow(workspace, parent, parentValues);
    const { body: note } = await owner.api.post(`/${resource}`, { [key]: id, text: "Met" });
    assertEquals(note.sales_id, owner.id);
    assertProblem(await other.api.delete(`/${resource}/${note.id}`), 403, "forbidden");
    assertEquals((await owner.api.delete(`/${resource}/${note.id}`)).status, 204);
    assertEquals((await owner.api.delete(`/${resource}/${note.id}`)).status, 204);
    assertEquals((await owner.api.post(`/${resource}/${note.id}/restore`)).body.text, "Met");
  });
}

function testFiles({ resource, parent, key, parentValues }: Notes): void {
  test(`${resource}.create and ${resource}.update refuse files that were not uploaded, and wrong types`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const id = await insertRow(workspace, parent, parentValues);
    const { body: note } = await admin.api.post(`/${resource}`, { [key]: id, text: "Met" });
    const { path: missing } = await askForUpload(admin.api, "Chart.png", "image/png");
    const wrong = await upload(admin, "Chart.png", "image/png", bytesOf("plain words"));
    const paths = { attachment_not_uploaded: missing, attachment_type_mismatch: wrong };
    for (const [code, path] of Object.entries(paths)) {
      const attachments = [{ path }];
      const created = await admin.api.post(`/${resource}`, { [key]: id, text: "Met", attachments });
      const changed = await admin.api.patch(`/${resource}/${note.id}`, { attachments });
      for (const answer of [created, changed]) {
        assertProblem(answer, 422, code);
        assertEquals(Object.keys(answer.body.errors), ["attachments.0.path"]);
      }
    }
  });
}
