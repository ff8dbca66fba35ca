/** Pictures in records: their shape and size, through the API, the Data API and the database. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { dataUrl, FIRST_BYTES, imageBytes } from "../../support/pictures.ts";
import { dataApiAnswer, insertRow, insertRows } from "../../support/records.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { contacts } from "../../../supabase/functions/api/contacts/queries.ts";

const KINDS = [
  { table: "contacts", column: "avatar", values: { last_name: "Lovelace" } },
  { table: "companies", column: "logo", values: { name: "Acme" } },
];
const LARGEST = 16_384;
const URL = "https://images.example/a.png";
const SVG = new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'/>");

/** Pictures that are refused, by the way in which they are wrong. */
const REFUSED: Record<string, unknown> = {
  "large image": { src: dataUrl(imageBytes(375_000)) },
  "image above the limit": { src: dataUrl(imageBytes(LARGEST + 200)) },
  "long path": { src: URL, path: "p".repeat(10_000) },
  "random path": { src: URL, path: crypto.getRandomValues(new Uint8Array(5_000)).toHex() },
  "long title": { src: URL, title: "t".repeat(501) },
  "long URL": { src: `https://images.example/${"a".repeat(2_000)}` },
  "path that is no text": { src: URL, path: { a: 1 } },
  "other large field": { src: URL, rawFile: { text: "a".repeat(2_000) } },
  "text": "https://images.example/a.png",
  "array": [{ src: URL }],
  "SVG": { src: dataUrl(SVG, "image/svg+xml") },
  "HTML": { src: "data:text/html;base64,PGh0bWw+" },
  "SVG that says it is a PNG": { src: dataUrl(SVG) },
};

for (const { table, column, values } of KINDS) {
  test(`${table}: a wrong ${column} is refused with 422, and by the Data API with a sentence`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const id = await insertRow(workspace, table, values);
    for (const [name, picture] of Object.entries(REFUSED)) {
      const created = await admin.api.post(`/${table}`, { ...values, [column]: picture });
      assertEquals(created.status, 422, `${name}: ${JSON.stringify(created.body)}`);
      assert(["validation_failed", "invalid_picture"].includes(created.body.code), name);
      const text = JSON.stringify({ [column]: picture });
      const patched = await dataApiAnswer(admin, "PATCH", `${table}?id=eq.${id}`, text);
      assertEquals(patched.status, 422, `${name}: ${JSON.stringify(patched.body)}`);
      assert(/^A picture|^The (src|fields)/.test(patched.body.message), patched.body.message);
    }
    const [row] = await sql`select ${sql(column)} as picture from ${sql(table)} where id = ${id}`;
    assertEquals(row?.picture, null);
  });

  test(`${table}: a ${column} that is no image is refused in every change`, async () => {
    const workspace = await createWorkspace();
    const { api } = workspace.admin;
    const id = await insertRow(workspace, table, values);
    const set = { [column]: REFUSED.HTML };
    assertProblem(await api.post(`/${table}`, { ...values, ...set }), 422, "invalid_picture");
    assertProblem(await api.patch(`/${table}/${id}`, set), 422, "invalid_picture");
    assertProblem(await api.post(`/${table}/bulk`, { ids: [id], set }), 422, "invalid_picture");
  });

  test(`${table}: a valid ${column} is stored as it was sent`, async () => {
    const { admin } = await createWorkspace();
    const pictures = [
      { src: URL, title: "a.png", path: "0.123.png", type: "image/png", rawFile: {} },
      { src: URL, title: null, path: null },
      ...Object.keys(FIRST_BYTES).map((type) => ({
        src: dataUrl(imageBytes(LARGEST, type), type),
      })),
    ];
    for (const picture of pictures) {
      const { status, body } = await admin.api.post(`/${table}`, { ...values, [column]: picture });
      assertEquals([status, body[column]], [201, picture]);
      const again = JSON.stringify({ [column]: picture });
      assertEquals(
        (await dataApiAnswer(admin, "PATCH", `${table}?id=eq.${body.id}`, again)).status,
        204,
      );
    }
  });

  test(`${table}: a deeply nested ${column} is refused, never with 500`, async () => {
    const workspace = await createWorkspace();
    const id = await insertRow(workspace, table, values);
    // JSON that is nested deeper is refused by Postgres before it reaches the column.
    for (const depth of [900, 2_000, 5_000]) {
      const nested = `{"${column}":{"src":"x","a":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
      const answer = await dataApiAnswer(workspace.admin, "PATCH", `${table}?id=eq.${id}`, nested);
      assertEquals([answer.status, answer.body.details], [422, "invalid_picture"], `${depth}`);
    }
  });

  test(`${table}: the database holds the limit of ${column} without its triggers`, async () => {
    const workspace = await createWorkspace();
    const large = { src: dataUrl(imageBytes(375_000)) };
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      const refused = await tx.savepoint((point) =>
        point`
          insert into ${point(table)} ${
          point({ ...values, [column]: point.json(large), workspace_id: workspace.id })
        }`
      ).then(() => "", String);
      assertStringIncludes(refused, `${table}_${column}_check`);
    });
  });
}

test("a list that does not select the picture does not read it", async () => {
  const workspace = await createWorkspace();
  const avatar = { src: dataUrl(imageBytes(LARGEST)) };
  await insertRows(workspace, "contacts", Array.from({ length: 100 }, () => ({ avatar })));
  const connection = await sql.reserve();
  // The counter of a connection may still hold blocks of earlier transactions.
  const blocksSoFar = async () => {
    const [row] = await connection<{ blocks: number }[]>`
      select pg_stat_get_xact_blocks_fetched(reltoastrelid)::int as blocks
      from pg_class where oid = 'public.contacts'::regclass`;
    return row?.blocks ?? NaN;
  };
  const blocksRead = async (select: string) => {
    const claims = JSON.stringify({ sub: workspace.admin.user_id, role: "authenticated" });
    await connection`begin`;
    await connection`
      select set_config('request.jwt.claims', ${claims}, true),
        set_config('role', 'authenticated', true)`;
    const before = await blocksSoFar();
    await contacts.list.answer(connection, contacts.list.query.parse({ limit: "100", select }));
    const after = await blocksSoFar();
    await connection`rollback`;
    return after - before;
  };
  assertEquals(await blocksRead("id,last_name"), 0);
  assert(await blocksRead("id,avatar") >= 100);
  connection.release();
});

test("the pictures of many contacts fit a page", async () => {
  const workspace = await createWorkspace();
  const avatar = { src: dataUrl(imageBytes(LARGEST)) };
  const rows = Array.from({ length: 400 }, () => ({ avatar }));
  await insertRows(workspace, "contacts", rows);
  const { body } = await workspace.admin.api.get("/contacts?limit=100");
  assertEquals([body.data.length, typeof body.next_cursor], [100, "string"]);
  const patch = { avatar: { src: dataUrl(imageBytes(375_000)) } };
  const refused = await workspace.admin.api.patch(`/contacts/${body.data[0].id}`, patch);
  assertProblem(refused, 422, "validation_failed");
  assertStringIncludes(refused.body.errors["avatar.src"], "16 kB");
});
