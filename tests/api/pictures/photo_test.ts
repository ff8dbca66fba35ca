/** Photos of users: stored as files, as Atomic CRM shows them, and removed when no record uses them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { dataUrl, imageBytes } from "../../support/pictures.ts";
import { dataApi, insertRow } from "../../support/records.ts";
import {
  type Answer,
  api,
  createWorkspace,
  sql,
  stack,
  test,
  type TestMember,
  type Workspace,
} from "../../support/workspace.ts";

const USERS = `${stack.apiUrl}/functions/v1/users`;
const PHOTO_BYTES = 2_000_000;

/** The requests that change an avatar: name → request, and the user in its answer. */
const REQUESTS: Record<string, (member: TestMember, avatar: unknown) => Promise<Answer>> = {
  "atomic.update_user": async (member, avatar) => {
    const answer = await member.api.patch(USERS, { sales_id: member.id, avatar });
    return { ...answer, body: answer.body.data ?? answer.body };
  },
  "users.update": (member, avatar) => member.api.patch(`/users/${member.id}`, { avatar }),
  "me.update": (member, avatar) => member.api.patch("/me", { avatar }),
};

async function storedPaths(workspace: Workspace): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select name from storage.objects
    where bucket_id = 'attachments' and starts_with(name, ${workspace.id})`;
  return rows.map(({ name }) => name);
}

async function queuedPaths(workspace: Workspace): Promise<string[]> {
  const rows = await sql<{ path: string }[]>`
    select path from private.attachment_removals where workspace_id = ${workspace.id}`;
  return rows.map(({ path }) => path);
}

/** Runs the job that removes files, as if the grace time had passed. */
async function removeDueFiles(workspace: Workspace): Promise<void> {
  await sql`
    update private.attachment_removals set remove_after = now() - interval '1 second'
    where workspace_id = ${workspace.id}`;
  const headers = { apikey: stack.secretKey };
  assertEquals((await api().post("/jobs/remove_attachments", undefined, headers)).status, 200);
}

for (const [name, change] of Object.entries(REQUESTS)) {
  test(`${name} stores a photo of 2 MB as a public file, and removes the one before`, async () => {
    const workspace = await createWorkspace();
    const rep = await workspace.addMember("rep");
    const bytes = imageBytes(PHOTO_BYTES, "image/jpeg");
    const photo = { src: dataUrl(bytes, "image/jpeg"), title: "me.jpg", rawFile: {} };
    const { status, body } = await change(rep, photo);
    assertEquals(status, 200, JSON.stringify(body).slice(0, 300));
    const { src, path, ...rest } = body.avatar;
    assertEquals(rest, { title: "me.jpg", type: "image/jpeg" });
    assertMatch(path, new RegExp(`^${workspace.id}/pictures/[0-9a-f-]{36}\\.jpg$`));
    assertEquals(src, `${stack.apiUrl}/storage/v1/object/public/attachments/${path}`);
    const file = await fetch(src);
    assertEquals([file.status, file.headers.get("Content-Type")], [200, "image/jpeg"]);
    assertEquals(await file.bytes(), bytes);
    assertEquals(await queuedPaths(workspace), []);

    assertEquals((await change(rep, null)).body.avatar, null);
    assertEquals(await queuedPaths(workspace), [path]);
    await removeDueFiles(workspace);
    assertEquals(await storedPaths(workspace), []);
    assertEquals(await queuedPaths(workspace), []);
  });

  test(`${name} keeps a small avatar in the record, with the type of its bytes`, async () => {
    const workspace = await createWorkspace();
    const bytes = imageBytes(16_384, "image/webp");
    const { status, body } = await change(workspace.admin, { src: dataUrl(bytes), title: "a" });
    const stored = { src: dataUrl(bytes, "image/webp"), title: "a", type: "image/webp" };
    assertEquals([status, body.avatar], [200, stored]);
    assertEquals(await storedPaths(workspace), []);
  });

  test(`${name} refuses what is no image, too large or wrong in shape`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const svg = new TextEncoder().encode(`<svg>${" ".repeat(100_000)}</svg>`);
    for (
      const src of [dataUrl(svg, "image/svg+xml"), dataUrl(svg), "data:image/png;base64,%", "data:"]
    ) {
      assertProblem(await change(admin, { src }), 422, "invalid_picture");
    }
    const src = "https://images.example/a.png";
    const wrong = [{ src, path: "p".repeat(10_000) }, { src, title: 1 }, { path: "a" }, "text"];
    for (const avatar of wrong) {
      assertProblem(await change(admin, avatar), 422, "validation_failed");
    }
    assertProblem(await change(admin, { src: src + "a".repeat(5_000) }), 422, "invalid_picture");
    const large = { src: dataUrl(imageBytes(4_000_000)) };
    assertProblem(await change(admin, large), 413, "body_too_large");
    assertEquals(await storedPaths(workspace), []);
    assertEquals(await queuedPaths(workspace), []);
  });
}

test("a photo for another user is refused before it is stored", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const other = await createWorkspace();
  const avatar = { src: dataUrl(imageBytes(100_000)) };
  const { admin } = workspace;
  const refused = await rep.api.patch(`/users/${admin.id}`, { avatar });
  assertProblem(refused, 403, "admin_required");
  const atomic = await rep.api.patch(USERS, { sales_id: admin.id, avatar });
  assertProblem(atomic, 403, "admin_required");
  const foreign = await admin.api.patch(`/users/${other.admin.id}`, { avatar });
  assertProblem(foreign, 404, "not_found");
  const stale = await admin.api.patch("/me", { avatar }, { "If-Match": '"2000-01-01"' });
  assertProblem(stale, 412, "precondition_failed");
  for (const { id } of [workspace, other]) {
    assertEquals(await storedPaths({ ...workspace, id }), []);
    assertEquals(await queuedPaths({ ...workspace, id }), []);
  }
});

test("other requests keep the limit of 1 MB", async () => {
  const { admin } = await createWorkspace();
  const avatar = { src: dataUrl(imageBytes(900_000)) };
  const requests = [
    admin.api.post("/contacts", { avatar }),
    admin.api.post(USERS, { email: "a@example.com", avatar }),
  ];
  for (const answer of await Promise.all(requests)) assertProblem(answer, 413, "body_too_large");
});

test("a logo that a member uploaded is removed after its company has left the trash", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const path = `${Math.random()}.png`;
  const uploaded = await fetch(`${stack.apiUrl}/storage/v1/object/attachments/${path}`, {
    method: "POST",
    headers: {
      apikey: stack.publishableKey,
      Authorization: `Bearer ${admin.token}`,
      "Content-Type": "image/png",
    },
    body: imageBytes(50_000),
  });
  assertEquals(uploaded.status, 200, await uploaded.text());
  const src = `${stack.apiUrl}/storage/v1/object/public/attachments/${path}`;
  const exists = async () =>
    (await sql`select from storage.objects where name = ${path}`).length === 1;
  const logo = { src, path, title: "logo.png", type: "image/png", rawFile: {} };
  const id = await insertRow(workspace, "companies", { name: "Acme", logo });
  // Only the URL names the file now.
  assertEquals(await dataApi(admin, "PATCH", `companies?id=eq.${id}`, { logo: { src } }), 204);
  assertEquals(await queuedPaths(workspace), []);
  assertEquals((await admin.api.delete(`/companies/${id}`)).status, 204);
  assertEquals(await queuedPaths(workspace), [path]);
  await removeDueFiles(workspace);
  assert(await exists(), "while the company is in the trash");
  assertEquals((await admin.api.post(`/companies/${id}/restore`)).status, 200);
  assertEquals(await queuedPaths(workspace), []);
  assertEquals((await admin.api.delete(`/companies/${id}`)).status, 204);
  await sql`delete from private.trash where workspace_id = ${workspace.id}`;
  await removeDueFiles(workspace);
  assert(!await exists());
});

test("a picture never removes the file of another workspace", async () => {
  const workspace = await createWorkspace();
  const attacker = await createWorkspace();
  const photo = { src: dataUrl(imageBytes(50_000)) };
  const { body } = await workspace.admin.api.patch("/me", { avatar: photo });
  const id = await insertRow(attacker, "companies", { name: "Acme", logo: body.avatar });
  assertEquals(
    await dataApi(attacker.admin, "PATCH", `companies?id=eq.${id}`, { logo: null }),
    204,
  );
  await removeDueFiles(attacker);
  assertEquals(await storedPaths(workspace), [body.avatar.path]);
});
