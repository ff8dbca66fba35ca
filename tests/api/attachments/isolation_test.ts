/** Files of one workspace cannot be reached from another, through the API or the storage. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { exactly } from "../../support/exactly.ts";
import { assertProblem } from "../../support/answers.ts";
import { askForUpload, bytesOf, upload } from "../../support/files.ts";
import { insertRow } from "../../support/records.ts";
import { CONTENT_TYPES } from "../../../supabase/functions/api/attachments/contentTypes.ts";
import { createWorkspace, sql, stack, test, type TestMember } from "../../support/workspace.ts";

const PRIVATE = "portico-attachments";

async function storage(member: TestMember, method: string, path: string, body?: BodyInit) {
  const response = await fetch(`${stack.apiUrl}/storage/v1/${path}`, {
    method,
    headers: {
      apikey: stack.publishableKey,
      Authorization: `Bearer ${member.token}`,
      ...(typeof body === "string" && { "Content-Type": "application/json" }),
    },
    body,
  });
  return { status: response.status, text: await response.text() };
}

function form(content: string, type = "text/plain"): FormData {
  const data = new FormData();
  data.append("file", new Blob([bytesOf(content)], { type }), "a.txt");
  return data;
}

test("attachments.url answers 404 to a path of another workspace", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const path = await upload(own.admin);
  const address = `/attachments/url?path=${encodeURIComponent(path)}`;
  assertProblem(await foreign.admin.api.get(address), 404, "not_found");
  // Also when one of its own notes refers to the path.
  const contact_id = await insertRow(foreign, "contacts", {});
  await insertRow(foreign, "contact_notes", { contact_id, attachments: [{ path }] });
  assertProblem(await foreign.admin.api.get(address), 404, "not_found");
  assertEquals((await own.admin.api.get(address)).status, 200);
});

test("attachments.url answers 404 to paths that lead elsewhere", async () => {
  const own = await createWorkspace();
  const path = await upload(own.admin);
  const [workspace, folder] = exactly(3, path.split("/"));
  for (
    const wrong of [
      `${workspace}/${folder}/../${folder}/Offer.pdf`,
      `${workspace}/${crypto.randomUUID()}/Offer.pdf`,
      `/${path}`,
      `${path}/`,
      workspace,
      "%2e%2e/x",
    ]
  ) {
    const answer = await own.admin.api.get(`/attachments/url?path=${encodeURIComponent(wrong)}`);
    assertProblem(answer, 404, "not_found");
  }
});

test("attachments.url answers 403 to a disabled member", async () => {
  const own = await createWorkspace();
  const rep = await own.addMember("rep");
  const path = await upload(rep);
  await sql`update public.sales set disabled = true where id = ${rep.id}`;
  const answer = await rep.api.get(`/attachments/url?path=${encodeURIComponent(path)}`);
  assertProblem(answer, 403, "member_disabled");
});

test("contact_notes.create answers 422 to a file of another workspace, as to a missing file", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const path = await upload(own.admin);
  const contact_id = await insertRow(foreign, "contacts", {});
  const answer = await foreign.admin.api.post("/contact_notes", {
    contact_id,
    attachments: [{ path }],
  });
  assertProblem(answer, 422, "attachment_not_uploaded");
});

test("storage: only members of the workspace read and add files in the private bucket", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const path = await upload(own.admin);
  const rep = await own.addMember("rep");
  assertEquals((await storage(rep, "GET", `object/${PRIVATE}/${path}`)).status, 200);
  assertGreaterOrEqual(
    (await storage(foreign.admin, "GET", `object/${PRIVATE}/${path}`)).status,
    400,
  );
  const anonymous = await fetch(`${stack.apiUrl}/storage/v1/object/public/${PRIVATE}/${path}`);
  await anonymous.body?.cancel();
  assertGreaterOrEqual(anonymous.status, 400);
  const { path: ownPath } = await askForUpload(rep.api, "a.txt", "text/plain");
  assertEquals((await storage(rep, "POST", `object/${PRIVATE}/${ownPath}`, form("a"))).status, 200);
  const foreignPath = `${own.id}/${crypto.randomUUID()}/a.txt`;
  const refused = await storage(
    foreign.admin,
    "POST",
    `object/${PRIVATE}/${foreignPath}`,
    form("a"),
  );
  assertGreaterOrEqual(refused.status, 400);
  const listed = await storage(
    foreign.admin,
    "POST",
    `object/list/${PRIVATE}`,
    JSON.stringify({ prefix: own.id }),
  );
  assertEquals(JSON.parse(listed.text), []);
});

test("storage: the private bucket takes files at announced paths only, so that each is queued", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const { path: announced } = await askForUpload(foreign.admin.api, "a.txt", "text/plain");
  for (
    const path of [
      `${own.id}/a.txt`,
      `${own.id}/notes/a.txt`,
      `${own.id}/${crypto.randomUUID()}/a.txt`,
      `${own.id}/${crypto.randomUUID()}/folder/a.txt`,
      announced,
    ]
  ) {
    const { status } = await storage(own.admin, "POST", `object/${PRIVATE}/${path}`, form("a"));
    assertGreaterOrEqual(status, 400, path);
    assertEquals(await objects(PRIVATE, path), 0, path);
  }
  const unqueued = await sql`
    select o.name from storage.objects o
    where o.bucket_id = ${PRIVATE}
      and starts_with(o.name, ${own.id})
      and o.name not in (select r.path from private.attachment_removals r)`;
  assertEquals([...unqueued], []);
});

test("storage: Atomic CRM's bucket refuses types that browsers execute", async () => {
  const { admin } = await createWorkspace();
  for (
    const type of [
      "text/html",
      "TEXT/HTML",
      "text/html; charset=utf-8",
      "application/xhtml+xml",
      "image/svg+xml",
      "text/xml",
      "application/xml",
      "application/rss+xml",
      "text/javascript",
      "application/javascript",
      "text/css",
      "multipart/x-mixed-replace",
    ]
  ) {
    const path = `${crypto.randomUUID()}.txt`;
    const data = form("<script>alert(1)</script>", type);
    const { status, text } = await storage(admin, "POST", `object/attachments/${path}`, data);
    assertEquals([status, JSON.parse(text).statusCode], [400, "415"], `${type}: ${text}`);
    assertEquals(JSON.parse(text).message.includes("is not supported"), true, text);
    assertEquals(await objects("attachments", path), 0);
  }
});

test("storage: Atomic CRM's bucket takes the files that users attach to notes", async () => {
  const { admin } = await createWorkspace();
  const others = ["application/octet-stream", "image/tiff", "application/vnd.ms-outlook"];
  for (const type of [...CONTENT_TYPES.keys(), ...others, "audio/aac", "video/x-msvideo"]) {
    const path = `${crypto.randomUUID()}.bin`;
    const { status, text } = await storage(
      admin,
      "POST",
      `object/attachments/${path}`,
      form("hello", type),
    );
    assertEquals(status, 200, `${type}: ${text}`);
    const shown = await fetch(`${stack.apiUrl}/storage/v1/object/public/attachments/${path}`);
    await shown.body?.cancel();
    assertEquals(shown.headers.get("Content-Type")?.split(";")[0], type);
  }
});

test("storage: no member changes or removes a file of the private bucket", async () => {
  const own = await createWorkspace();
  const path = await upload(own.admin);
  await storage(own.admin, "PUT", `object/${PRIVATE}/${path}`, form("other"));
  await storage(own.admin, "DELETE", `object/${PRIVATE}`, JSON.stringify({ prefixes: [path] }));
  const { status, text } = await storage(own.admin, "GET", `object/${PRIVATE}/${path}`);
  assertEquals(status, 200);
  assert(text.startsWith("%PDF"));
});

test("storage: Atomic CRM's bucket serves its clients and limits the size of files", async () => {
  const own = await createWorkspace();
  const rep = await own.addMember("rep");
  const path = `${Math.random()}.txt`;
  assertEquals(
    (await storage(rep, "POST", `object/attachments/${path}`, form("hello"))).status,
    200,
  );
  const shown = await fetch(`${stack.apiUrl}/storage/v1/object/public/attachments/${path}`);
  assertEquals(await shown.text(), "hello");
  const probe = await storage(rep, "POST", `object/sign/attachments/${path}`, '{"expiresIn":60}');
  assertEquals(probe.status, 200);
  const large = new FormData();
  large.append("file", new Blob([new Uint8Array(26_214_401)], { type: "text/plain" }), "a.txt");
  const refused = await storage(rep, "POST", "object/attachments/large.txt", large);
  assertEquals([refused.status, JSON.parse(refused.text).statusCode], [400, "413"]);
});

test("storage: the uploader or a manager removes files of Atomic CRM's bucket", async () => {
  const [own, foreign] = await Promise.all([createWorkspace(), createWorkspace()]);
  const [rep, other, manager] = await Promise.all([
    own.addMember("rep"),
    own.addMember("rep"),
    own.addMember("manager"),
  ]);
  for (const remover of [rep, manager]) {
    const path = `${crypto.randomUUID()}.txt`;
    await storage(rep, "POST", `object/attachments/${path}`, form("hello"));
    const body = JSON.stringify({ prefixes: [path] });
    for (const stranger of [other, foreign.admin]) {
      await storage(stranger, "DELETE", "object/attachments", body);
      assertEquals(await objects("attachments", path), 1);
    }
    await storage(remover, "DELETE", "object/attachments", body);
    assertEquals(await objects("attachments", path), 0);
  }
});

test("storage: a disabled member adds nothing to either bucket", async () => {
  const own = await createWorkspace();
  const rep = await own.addMember("rep");
  await sql`update public.sales set disabled = true where id = ${rep.id}`;
  for (
    const path of [`attachments/${crypto.randomUUID()}.txt`, `${PRIVATE}/${own.id}/a/a.txt`]
  ) {
    assertGreaterOrEqual((await storage(rep, "POST", `object/${path}`, form("hello"))).status, 400);
  }
});

async function objects(bucket: string, path: string): Promise<number> {
  const rows =
    await sql`select from storage.objects where bucket_id = ${bucket} and name = ${path}`;
  return rows.length;
}
