/** Notes with files through the Data API, as Atomic CRM's frontend sends them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { insertRow } from "../../support/records.ts";
import { type Answer, answerOf, createWorkspace, stack, test } from "../../support/workspace.ts";
import type { TestMember, Workspace } from "../../support/workspace.ts";

/** What the frontend stores of a file: a File is `{}` as JSON. */
function attachment(name: string) {
  return {
    src: `${stack.apiUrl}/storage/v1/object/public/attachments/${name}`,
    title: `Angebot "Q3" \\ {1, 2} ${name}`,
    path: name,
    type: "application/pdf",
    rawFile: {},
  };
}

async function rest(
  { token }: TestMember,
  method: string,
  path: string,
  body: unknown,
  single = true,
): Promise<Answer> {
  return await answerOf(
    await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
      method,
      headers: {
        apikey: stack.publishableKey,
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        Prefer: "return=representation",
        ...(single && { Accept: "application/vnd.pgrst.object+json" }),
      },
      body: JSON.stringify(body),
    }),
  );
}

const NOTES = [
  ["contact_notes", "contacts", "contact_id", { status: "warm" }],
  ["deal_notes", "deals", "deal_id", { type: "Email" }],
] as const;

async function parentOf(workspace: Workspace, table: string): Promise<number> {
  const values = table === "deals" ? { name: "Engine", stage: "won" } : {};
  return await insertRow(workspace, table, values);
}

for (const [table, parentTable, key, values] of NOTES) {
  test(`the Data API stores the files of ${table} as Atomic CRM sends them`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const note = {
      [key]: await parentOf(workspace, parentTable),
      sales_id: admin.id,
      text: "With files",
      date: new Date().toISOString(),
      ...values,
    };
    const attachments = [attachment("0.1.pdf"), attachment("0.2.pdf")];
    const created = await rest(admin, "POST", table, { ...note, attachments });
    assertEquals([created.status, created.body.attachments], [201, attachments]);
    const path = `${table}?id=eq.${created.body.id}`;
    const changed = [...attachments.slice(1), attachment("0.3.pdf")];
    const updated = await rest(admin, "PATCH", path, { attachments: changed });
    assertEquals([updated.status, updated.body.attachments], [200, changed]);
    const read = await admin.api.get(`/${table}/${created.body.id}`);
    assertEquals(read.body.attachments, changed);
    for (const value of [[], null]) {
      const cleared = await rest(admin, "PATCH", path, { attachments: value });
      assertEquals([cleared.status, cleared.body.attachments], [200, value]);
    }
    const none = await rest(admin, "POST", table, { ...note, attachments: [] });
    assertEquals([none.status, none.body.attachments], [201, []]);
  });

  test(`the Data API stores the files of many ${table} in one request`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const parent = await parentOf(workspace, parentTable);
    const rows = ["0.1.pdf", "0.2.pdf"].map((name) => ({
      [key]: parent,
      text: name,
      attachments: [attachment(name)],
    }));
    const { status, body } = await rest(admin, "POST", table, rows, false);
    assertEquals(status, 201, JSON.stringify(body));
    const stored = body.map((row: { attachments: unknown }) => row.attachments);
    assertEquals(stored, rows.map(({ attachments }) => attachments));
  });

  test(`the Data API refuses files of ${table} with a path that no index holds`, async () => {
    const workspace = await createWorkspace();
    const { admin } = workspace;
    const parent = await parentOf(workspace, parentTable);
    for (const excess of [{ path: "a".repeat(1_025) }, { title: "a".repeat(2_001) }]) {
      const attachments = [{ ...attachment("0.1.pdf"), ...excess }];
      const { body } = await rest(admin, "POST", table, { [key]: parent, attachments });
      assertStringIncludes(body.message, `${table}_attachments_lengths`);
    }
  });
}
