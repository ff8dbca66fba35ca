/** Create, update, delete and restore of contacts and companies, beyond their schemas. */
import { assert, assertEquals } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { present } from "../support/exactly.ts";
import { everythingIn, rowOf } from "../support/records.ts";
import { bodySchema } from "../support/wrongValues.ts";
import { createWorkspace, headerOf, test } from "../support/workspace.ts";
import { operations } from "../support/registry.ts";

const RESOURCES = ["contacts", "companies"];
const SERVER_SET = ["id", "workspace_id", "created_at", "updated_at", "search", "nb_tasks", "nope"];

for (const resource of RESOURCES) {
  const example = operations.find(({ id }) => id === `${resource}.create`)?.example ?? {};

  test(`${resource}.create and update refuse fields that the server sets, and unknown ones`, async () => {
    const { id: workspaceId, admin } = await createWorkspace();
    const { body: record } = await admin.api.post(`/${resource}`, example);
    const before = await everythingIn(workspaceId);
    for (const field of SERVER_SET) {
      for (
        const answer of [
          await admin.api.post(`/${resource}`, { ...example, [field]: 1 }),
          await admin.api.patch(`/${resource}/${record.id}`, { [field]: 1 }),
        ]
      ) {
        assertProblem(answer, 422, "validation_failed");
        assertEquals(Object.keys(answer.body.errors), [field]);
      }
    }
    for (const body of [[], "text", 7, null, [example]]) {
      assertProblem(await admin.api.post(`/${resource}`, body), 422, "validation_failed");
    }
    assertEquals(await everythingIn(workspaceId), before);
  });

  test(`${resource}.update of a missing record answers like get`, async () => {
    const { admin } = await createWorkspace();
    const path = `/${resource}/999999999`;
    const read = await admin.api.get(path);
    const updated = await admin.api.patch(path, {});
    assertProblem(read, 404, "not_found");
    assertEquals(
      { ...updated.body, request_id: null },
      { ...read.body, request_id: null },
    );
  });

  test(`${resource}.update keeps omitted fields, and clears fields by null`, async () => {
    const { admin } = await createWorkspace();
    const { body: record } = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${record.id}`;
    const untouched = await admin.api.patch(path, {});
    assertEquals(untouched.body, record);
    const create = present(operations.find(({ id }) => id === `${resource}.create`), resource);
    const { required = [] } = bodySchema(create);
    for (
      const [field, value] of Object.entries(example).filter(([name]) => !required.includes(name))
    ) {
      const before = await rowOf(resource, record.id);
      const cleared = await admin.api.patch(path, { [field]: null });
      assertEquals([cleared.status, cleared.body[field]], [200, null], field);
      const set = await admin.api.patch(path, { [field]: value });
      assertEquals(set.body[field], value, field);
      const times = [record.updated_at, cleared.body.updated_at, set.body.updated_at];
      assertEquals(times, [...new Set(times)].sort(), `${field}: updated_at moves forward`);
      const after = await rowOf(resource, record.id);
      assertEquals({ ...after, updated_at: null }, { ...before, updated_at: null }, field);
    }
  });

  test(`${resource}.update with If-Match changes only the version of the tag`, async () => {
    const { admin } = await createWorkspace();
    const created = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${created.body.id}`;
    const stale = headerOf(created, "ETag");
    const fresh = await admin.api.patch(path, { linkedin_url: "https://a.example" }, {
      "If-Match": stale,
    });
    assertEquals(fresh.status, 200);
    assertEquals((await admin.api.get(path)).headers.get("ETag"), fresh.headers.get("ETag"));
    const late = await admin.api.patch(path, { linkedin_url: "https://b.example" }, {
      "If-Match": stale,
    });
    assertProblem(late, 412, "precondition_failed");
    assertEquals(late.body.current, fresh.body);
    assertEquals(late.headers.get("ETag"), fresh.headers.get("ETag"));
    assertProblem(await admin.api.delete(path, { "If-Match": stale }), 412, "precondition_failed");
    assertEquals((await admin.api.get(path)).body, fresh.body);
    const either = `"other", ${fresh.headers.get("ETag")}`;
    assertEquals((await admin.api.patch(path, {}, { "If-Match": either })).status, 200);
    assertEquals((await admin.api.patch(path, {}, { "If-Match": "*" })).status, 200);
    assertProblem(
      await admin.api.patch(path, {}, { "If-Match": "unquoted" }),
      400,
      "invalid_header",
    );
    assertEquals((await admin.api.delete(path, { "If-Match": either })).status, 204);
  });

  test(`${resource}.update with one entity tag twice at the same time succeeds exactly once`, async () => {
    const { admin } = await createWorkspace();
    const created = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${created.body.id}`;
    let tag = headerOf(created, "ETag");
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        [0, 1, 2].map((n) =>
          admin.api.patch(path, { linkedin_url: `https://${round}-${n}.example` }, {
            "If-Match": tag,
          })
        ),
      );
      assertEquals(answers.map(({ status }) => status).sort(), [200, 412, 412]);
      const won = answers.find(({ status }) => status === 200);
      assertEquals((await admin.api.get(path)).body, won?.body);
      tag = won?.headers.get("ETag") ?? "";
    }
  });

  test(`${resource}.create answers 201 with the address of the record`, async () => {
    const { admin } = await createWorkspace();
    const { status, body, headers } = await admin.api.post(`/${resource}`, example);
    assertEquals([status, body.sales_id], [201, admin.id]);
    const got = await admin.api.get(`/${headers.get("Location")?.split("/api/").at(-1)}`);
    assertEquals([got.status, got.body], [200, body]);
    assertEquals(headers.get("ETag"), got.headers.get("ETag"));
  });

  test(`${resource}: delete and restore can be repeated, get answers 410 in between, 404 when it never existed`, async () => {
    const workspace = await createWorkspace();
    const rep = await workspace.addMember("rep");
    const { admin } = workspace;
    const { body: record } = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${record.id}`;
    const before = await rowOf(resource, record.id);
    assertProblem(await rep.api.delete(path), 403, "forbidden");
    assertEquals(await rowOf(resource, record.id), before);
    assertEquals((await admin.api.delete(path)).status, 204);
    assertEquals((await admin.api.delete(path)).status, 204);
    for (const answer of [await admin.api.get(path), await admin.api.patch(path, {})]) {
      assertProblem(answer, 410, "deleted");
      assert(!Number.isNaN(Date.parse(answer.body.deleted_at)));
    }
    assertProblem(await rep.api.post(`${path}/restore`), 403, "restore_not_allowed");
    for (let time = 0; time < 2; time++) {
      const restored = await admin.api.post(`${path}/restore`);
      assertEquals(restored.status, 200);
      assertEquals({ ...restored.body, updated_at: "" }, { ...record, updated_at: "" });
    }
    const never = `/${resource}/999999999`;
    assertProblem(await admin.api.get(never), 404, "not_found");
    assertProblem(await admin.api.patch(never, {}), 404, "not_found");
    assertProblem(await admin.api.delete(never), 404, "not_found");
    assertProblem(await admin.api.post(`${never}/restore`), 404, "not_found");
    const elsewhere = await createWorkspace();
    assertProblem(await elsewhere.admin.api.delete(path), 404, "not_found");
    assertProblem(await elsewhere.admin.api.post(`${path}/restore`), 404, "not_found");
  });
}
