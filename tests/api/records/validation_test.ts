/** What create and update refuse, generated from the schemas that the OpenAPI document shows. */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { assertProblem } from "../../support/answers.ts";
import { everythingIn, rowOf } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";
import { operations } from "../../../supabase/functions/api/resources.ts";

interface Schema {
  type?: string | string[];
  format?: string;
  maxLength?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

const RESOURCES = ["contacts", "companies"];
const SERVER_SET = ["id", "workspace_id", "created_at", "updated_at", "search", "nb_tasks", "nope"];

const NO_TIMES = [
  "",
  "2024-05-01",
  "2024-02-30T00:00:00Z",
  "0000-05-01T00:00:00Z",
  "2024-05-01T00:00:00",
  "2024-05-01T00:00:00+16:00",
  "infinity",
];

/** The body of an operation as JSON Schema, its references filled in. */
function bodyOf(id: string): Schema {
  const body = operations.find((operation) => operation.id === id)?.body;
  if (!body) throw new Error(`${id} has no body.`);
  const { $defs = {}, ...schema } = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  const filled = JSON.stringify(schema, (_, value) => {
    const name = /^#\/\$defs\/(.+)$/.exec(value?.$ref ?? "")?.[1];
    return name ? $defs[name] : value;
  });
  return JSON.parse(filled);
}

/** Values that a field's schema does not allow; a field of any type allows all. */
function wrongValues(schema: Schema): unknown[] {
  const branches = branchesOf(schema);
  const types = branches.flatMap(({ type }) => type);
  if (types.some((type) => type === undefined)) return [];
  const wrong: unknown[] = [];
  if (!types.includes("string")) wrong.push("text");
  if (!types.includes("number") && !types.includes("integer")) wrong.push(7);
  if (!types.includes("boolean")) wrong.push(true);
  if (!types.includes("array")) wrong.push(["text"]);
  if (!types.includes("object")) wrong.push({ a: 1 });
  if (!types.includes("null")) wrong.push(null);
  return [...wrong, ...branches.flatMap(beyondBounds)];
}

function branchesOf(schema: Schema): Schema[] {
  return schema.anyOf?.flatMap(branchesOf) ?? [schema];
}

function beyondBounds(schema: Schema): unknown[] {
  const { maxLength, maxItems, minimum, maximum, items, type, format } = schema;
  const wrong: unknown[] = [];
  if (format === "date-time") wrong.push(...NO_TIMES);
  if (format === "uri") wrong.push("example.com", "javascript:alert(1)");
  if (maxLength !== undefined) wrong.push("x".repeat(maxLength + 1), "zero \u0000 byte", "\ud800");
  if (maxItems !== undefined && items) wrong.push(Array(maxItems + 1).fill(1));
  if (minimum !== undefined) wrong.push(minimum - 1);
  if (maximum !== undefined) wrong.push(maximum + 1, 1e300);
  if (type === "integer") wrong.push(1.5);
  if (items) wrong.push([null], [[]]);
  return wrong;
}

for (const resource of RESOURCES) {
  const example = operations.find(({ id }) => id === `${resource}.create`)?.example ?? {};

  test(`${resource}.create and update answer 422 naming the field for every value out of its schema`, async () => {
    const { id: workspaceId, admin } = await createWorkspace();
    const { body: record } = await admin.api.post(`/${resource}`, example);
    const before = await everythingIn(workspaceId);
    const fields = Object.entries(bodyOf(`${resource}.create`).properties ?? {});
    assert(fields.length > 10);
    let refused = 0;
    for (const [field, schema] of fields) {
      for (const value of wrongValues(schema)) {
        for (
          const answer of [
            await admin.api.post(`/${resource}`, { ...example, [field]: value }),
            await admin.api.patch(`/${resource}/${record.id}`, { [field]: value }),
          ]
        ) {
          const what = `${field}: ${JSON.stringify(value).slice(0, 60)}`;
          assertEquals(answer.status, 422, `${what} ${JSON.stringify(answer.body)}`);
          const named = Object.keys(answer.body.errors ?? {});
          assert(
            named.length > 0 && named.every((name) => name.split(".")[0] === field),
            `${what}: ${named}`,
          );
          refused += 1;
        }
      }
    }
    assert(refused > 100, String(refused));
    assertEquals(await everythingIn(workspaceId), before);
  });

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

  test(`${resource}.update leaves what is absent, and clears what is null`, async () => {
    const { admin } = await createWorkspace();
    const { body: record } = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${record.id}`;
    const untouched = await admin.api.patch(path, {});
    assertEquals(untouched.body, record);
    const { required = [] } = bodyOf(`${resource}.create`);
    for (
      const [field, value] of Object.entries(example).filter(([name]) => !required.includes(name))
    ) {
      const before = await rowOf(resource, record.id);
      const cleared = await admin.api.patch(path, { [field]: null });
      assertEquals([cleared.status, cleared.body[field]], [200, null], field);
      const set = await admin.api.patch(path, { [field]: value });
      assertEquals(set.body[field], value, field);
      assert(
        set.body.updated_at > cleared.body.updated_at &&
          cleared.body.updated_at > record.updated_at,
      );
      const after = await rowOf(resource, record.id);
      assertEquals({ ...after, updated_at: null }, { ...before, updated_at: null }, field);
    }
  });

  test(`${resource}.update with If-Match changes only the version that was read`, async () => {
    const { admin } = await createWorkspace();
    const created = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${created.body.id}`;
    const stale = created.headers.get("ETag") ?? "";
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

  test(`${resource}.update with one tag twice at once succeeds exactly once`, async () => {
    const { admin } = await createWorkspace();
    const created = await admin.api.post(`/${resource}`, example);
    const path = `/${resource}/${created.body.id}`;
    let tag = created.headers.get("ETag") ?? "";
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

  test(`${resource}.create answers 201 with an address that leads to the record`, async () => {
    const { admin } = await createWorkspace();
    const { status, body, headers } = await admin.api.post(`/${resource}`, example);
    assertEquals([status, body.sales_id], [201, admin.id]);
    const got = await admin.api.get(`/${headers.get("Location")?.split("/api/").at(-1)}`);
    assertEquals([got.status, got.body], [200, body]);
    assertEquals(headers.get("ETag"), got.headers.get("ETag"));
  });

  test(`${resource}: deleting and restoring repeat, 410 in between, 404 for what never was`, async () => {
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
