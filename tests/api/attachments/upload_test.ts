/** attachments.create and uploads to the storage, and the files that notes refuse. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { askForUpload, bytesOf, CONTENT, download, put, upload } from "../../support/files.ts";
import { contactOf, insertRow } from "../../support/records.ts";
import { CONTENT_TYPES } from "../../../supabase/functions/api/attachments/contentTypes.ts";
import { BUCKET } from "../../../supabase/functions/api/attachments/files.ts";
import { MAXIMUM_SIZE } from "../../../supabase/functions/api/attachments/schema.ts";
import { createWorkspace, sql, test, type TestMember } from "../../support/workspace.ts";

async function attach(member: TestMember, contact_id: number, ...attachments: unknown[]) {
  return await member.api.post("/contact_notes", { contact_id, text: "With a file", attachments });
}

for (
  const [type, name] of [
    ["image/png", "Chart.png"],
    ["application/pdf", "Offer.pdf"],
    ["text/plain", "Minutes.txt"],
  ] as const
) {
  test(`attachments.create lets ${type} be uploaded, attached and downloaded`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const path = await upload(admin, name, type);
    const { status, body } = await attach(admin, await contactOf(workspace), { path });
    assertEquals(status, 201, JSON.stringify(body));
    const size = CONTENT[type]?.length;
    assertEquals(body.attachments, [{ path, title: name, src: null, type, size }]);
    const response = await download((await workspace.addMember("rep")).api, path);
    assertEquals(await response.bytes(), CONTENT[type]);
    assert(response.headers.get("Content-Disposition")?.startsWith("attachment"));
  });
}

test("attachments: bucket and gateway allow the same types and the same size", async () => {
  const [bucket] = await sql<{ types: string[]; size: number; public: boolean }[]>`
    select allowed_mime_types as types, file_size_limit::float8 as size, public
    from storage.buckets where id = ${BUCKET}`;
  assertEquals(bucket?.types.toSorted(), [...CONTENT_TYPES.keys()].sort());
  assertEquals([bucket?.size, bucket?.public], [MAXIMUM_SIZE, false]);
});

test("attachments.create keeps the extension of the name and replaces characters that paths cannot hold", async () => {
  const { admin } = await createWorkspace();
  for (
    const [name, expected] of [
      ["Übersicht Q3.pdf", "Ubersicht Q3.pdf"],
      ["../../etc/passwd.pdf", "___._etc_passwd.pdf"],
      [`${"a".repeat(200)}.pdf`, `${"a".repeat(96)}.pdf`],
      ["報告書.pdf", "___.pdf"],
      [".pdf", "file.pdf"],
      ["  .pdf ", "file.pdf"],
      ["..pdf", "_.pdf"],
      ["\u0301.PDF", "file.PDF"],
      ["😀.pdf", "_.pdf"],
      [`${"報".repeat(251)}.pdf`, `${"_".repeat(96)}.pdf`],
      ["C:\\fakepath\\Offer .pdf", "C__fakepath_Offer.pdf"],
    ] as const
  ) {
    const { path } = await askForUpload(admin.api, name, "application/pdf");
    assertEquals(path.split("/").length, 3, path);
    assertEquals(path.split("/")[2], expected, name);
  }
});

test("attachments.create takes names without a stem, and a note takes the file up", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  for (const name of [".png", "報告.png", `${"a".repeat(251)}.png`]) {
    const path = await upload(admin, name, "image/png");
    const { status, body } = await attach(admin, await contactOf(workspace), { path });
    assertEquals(status, 201, JSON.stringify(body));
  }
});

test("attachments.create answers 422 to a name of more than 255 characters", async () => {
  const { admin } = await createWorkspace();
  const body = { file_name: `${"a".repeat(252)}.png`, content_type: "image/png", size: 10 };
  const answer = await admin.api.post("/attachments", body);
  assertProblem(answer, 422, "validation_failed");
  assertEquals(Object.keys(answer.body.errors), ["file_name"]);
});

test("notes answer 422 to attachments with a path of more than 1,024 bytes", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const contact_id = await contactOf(workspace);
  const publicUrl = "https://a.test/storage/v1/object/public/attachments/";
  const noise = (length: number) =>
    Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join("");
  for (
    const [field, attachment] of [
      ["path", { src: "https://a.test/b", path: noise(9_000) }],
      ["path", { src: "https://a.test/b", path: noise(1_025) }],
      ["path", { src: "https://a.test/b", path: "報".repeat(400) }],
      ["src", { src: publicUrl + noise(9_000) }],
      ["title", { src: "https://a.test/b", title: noise(2_001) }],
      ["type", { src: "https://a.test/b", type: noise(2_001) }],
    ] as const
  ) {
    const answer = await attach(admin, contact_id, attachment);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), [`attachments.0.${field}`]);
  }
  const longest = { src: publicUrl + noise(1_024), path: noise(1_024), title: noise(2_000) };
  assertEquals((await attach(admin, contact_id, longest)).status, 201);
});

test("attachments.create answers 422 to types that are not allowed, and names that do not fit their type", async () => {
  const { admin } = await createWorkspace();
  for (
    const [file_name, content_type] of [
      ["Logo.svg", "image/svg+xml"],
      ["Page.html", "text/html"],
      ["Run.exe", "application/octet-stream"],
      ["Page.html", "text/plain"],
      ["Offer", "application/pdf"],
      ["Logo.svg", "image/png"],
      ["toString", "constructor"],
    ]
  ) {
    const answer = await admin.api.post("/attachments", { file_name, content_type, size: 10 });
    assertProblem(answer, 422, "attachment_type_not_allowed");
  }
});

test("attachments.create returns an address that takes the file, whatever dots its name has", async () => {
  const { admin } = await createWorkspace();
  for (const name of ["Offer..final.txt", "a/../../b.txt", "Minutes...txt", "..txt"]) {
    const { upload_url } = await askForUpload(admin.api, name, "text/plain");
    assertEquals((await put(upload_url, bytesOf("words"), "text/plain")).status, 200, name);
  }
});

test("attachments.create answers 422 to a size of 0, or above 25 MB", async () => {
  const { admin } = await createWorkspace();
  for (const size of [0, -1, 26_214_401, 1.5]) {
    const body = { file_name: "Offer.pdf", content_type: "application/pdf", size };
    const answer = await admin.api.post("/attachments", body);
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["size"]);
  }
});

test("attachments: the storage refuses more than 25 MB, also when a smaller size was announced", async () => {
  const { admin } = await createWorkspace();
  const { upload_url } = await askForUpload(admin.api, "Offer.pdf", "application/pdf");
  const answer = await put(upload_url, new Uint8Array(26_214_401), "application/pdf");
  assertEquals([answer.status, answer.body.statusCode], [400, "413"]);
});

test("attachments: the storage refuses SVG and HTML, also when another type was announced", async () => {
  const { admin } = await createWorkspace();
  for (const type of ["image/svg+xml", "text/html"]) {
    const { upload_url } = await askForUpload(admin.api, "Chart.png", "image/png");
    const answer = await put(upload_url, bytesOf("<svg onload='alert(1)'/>"), type);
    assertEquals([answer.status, answer.body.statusCode], [400, "415"]);
  }
});

test("attachments: an address accepts one file, and refuses to replace it", async () => {
  const { admin } = await createWorkspace();
  const { upload_url } = await askForUpload(admin.api, "Minutes.txt", "text/plain");
  assertEquals((await put(upload_url, bytesOf("first"), "text/plain")).status, 200);
  assertGreaterOrEqual((await put(upload_url, bytesOf("second"), "text/plain")).status, 400);
});

test("contact_notes.create answers 422 to content that does not fit its type", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const contact = await contactOf(workspace);
  for (
    const [name, type, content] of [
      ["Chart.png", "image/png", "%PDF-1.7"],
      ["Chart.png", "image/png", "<svg xmlns='http://www.w3.org/2000/svg'/>"],
      ["Offer.pdf", "application/pdf", "MZ\x90\0"],
      ["Minutes.txt", "text/plain", " \n<!DOCTYPE html><script>alert(1)</script>"],
      ["Minutes.txt", "text/plain", "MZ\0\0\x03"],
      [
        "Offer.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "x",
      ],
    ] as const
  ) {
    const path = await upload(admin, name, type, bytesOf(content));
    const answer = await attach(admin, contact, { path });
    assertProblem(answer, 422, "attachment_type_mismatch");
    assertEquals(Object.keys(answer.body.errors), ["attachments.0.path"]);
  }
  const { body } = await admin.api.get(`/contact_notes?contact_id=${contact}&count=exact`);
  assertEquals(body.total, 0);
});

test("contact_notes.create answers 422 to a type that differs from the uploaded one", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const { path, upload_url } = await askForUpload(admin.api, "Chart.png", "image/png");
  assertEquals((await put(upload_url, bytesOf("plain words"), "text/plain")).status, 200);
  const answer = await attach(admin, await contactOf(workspace), { path });
  assertProblem(answer, 422, "attachment_type_mismatch");
});

test("contact_notes.create answers 422 to a file that was never uploaded", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const { path } = await askForUpload(admin.api, "Chart.png", "image/png");
  const answer = await attach(admin, await contactOf(workspace), { src: "https://a.test/b" }, {
    path,
  });
  assertProblem(answer, 422, "attachment_not_uploaded");
  assertEquals(Object.keys(answer.body.errors), ["attachments.1.path"]);
});

test("contact_notes.create answers 422 to an address that is not http or https", async () => {
  const workspace = await createWorkspace();
  const contact = await contactOf(workspace);
  for (const src of ["javascript:alert(1)", "data:text/html,x", "//a.test/b", "", undefined]) {
    const answer = await attach(workspace.admin, contact, { src, title: "b" });
    assertProblem(answer, 422, "validation_failed");
    assertEquals(Object.keys(answer.body.errors), ["attachments.0.src"]);
  }
});

test("contact_notes.update keeps stored attachments, checks new ones, and removes the others", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const contact_id = await contactOf(workspace);
  // The forms of Atomic CRM's clients and of older rows.
  const legacy = { src: "blob:0.5", path: "0.5.png", title: "b", type: "image/png", rawFile: {} };
  const id = await insertRow(workspace, "contact_notes", {
    contact_id,
    attachments: [legacy, "https://a.test/old.png", null, [{ src: "x" }], 7],
  });
  const read = await admin.api.get(`/contact_notes/${id}`);
  const stored = [legacy, { src: "https://a.test/old.png" }, { src: "x" }, { value: 7 }];
  assertEquals(read.body.attachments, stored);
  const path = await upload(admin);
  const changed = [legacy, { path }];
  const { status, body } = await admin.api.patch(`/contact_notes/${id}`, { attachments: changed });
  assertEquals(status, 200, JSON.stringify(body));
  assertEquals(body.attachments[0], legacy);
  assertEquals(body.attachments[1].path, path);
  const again = await admin.api.patch(`/contact_notes/${id}`, { attachments: body.attachments });
  assertEquals(again.body.attachments, body.attachments);
  const cleared = await admin.api.patch(`/contact_notes/${id}`, { attachments: null });
  assertEquals(cleared.body.attachments, []);
});

test("deal_notes.create takes files up as contact_notes.create does, and deal_notes.get answers 410 from the trash", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  const deal_id = await insertRow(workspace, "deals", { name: "Engine", stage: "opportunity" });
  const attachments = [{ path: await upload(admin), title: "The offer" }];
  const note = await admin.api.post("/deal_notes", { deal_id, text: "Sent", attachments });
  assertEquals(note.body.attachments[0].title, "The offer");
  const address = `/deal_notes/${note.body.id}`;
  await admin.api.delete(address);
  assertProblem(await admin.api.patch(address, { attachments }), 410, "deleted");
  assertProblem(await admin.api.patch("/deal_notes/999999999", { attachments }), 404, "not_found");
});
