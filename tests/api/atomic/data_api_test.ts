/** The requests of Atomic CRM's frontend to the Data API: what it writes, and what it is refused. */
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { insertRow } from "../../support/records.ts";
import {
  createWorkspace,
  stack,
  test,
  type TestMember,
  type Workspace,
} from "../../support/workspace.ts";

const NOW = "2026-11-21T08:00:00.000Z";

/** A file as the frontend stores it: JSON of a `File` is `{}`. */
const FILE = { src: "https://x.test/a.png", title: "a.png", path: "a.png", rawFile: {} };

/** The bodies that the forms send, by table. */
async function forms(workspace: Workspace) {
  const { id: sales_id } = workspace.admin;
  const company_id = await insertRow(workspace, "companies", { name: "Analytical" });
  const contact_id = await insertRow(workspace, "contacts", { last_name: "Lovelace", company_id });
  const deal_id = await insertRow(workspace, "deals", { name: "Engine", stage: "opportunity" });
  const tag = await insertRow(workspace, "tags", { name: "vip", color: "#eddcd2" });
  return {
    companies: {
      ...{ name: "Engines", sector: "technology", size: 50, website: "https://x.test", logo: FILE },
      ...{ context_links: ["https://x.test"], created_at: "2001-01-01T00:00:00.000Z", sales_id },
    },
    contacts: {
      ...{ first_name: "Ada", last_name: "Lovelace", gender: "female", status: "warm" },
      ...{ email_jsonb: [{ email: "Ada@x.test", type: "Work" }], phone_jsonb: [] },
      ...{
        first_seen: NOW,
        last_seen: NOW,
        has_newsletter: true,
        tags: [tag],
        company_id,
        sales_id,
      },
    },
    deals: {
      ...{ name: "Mill", company_id, contact_ids: [contact_id], category: "other", amount: 100 },
      ...{ stage: "opportunity", expected_closing_date: "2026-12-31", index: 0, sales_id },
    },
    tasks: { contact_id, type: "call", text: "Call", due_date: NOW, done_date: null, sales_id },
    contact_notes: {
      ...{ contact_id, sales_id, text: "Met", date: NOW, status: "hot", attachments: [FILE] },
    },
    deal_notes: { deal_id, sales_id, text: "Met", date: NOW, attachments: [] },
    tags: { name: "lead", color: "#e8cfe0" },
  };
}

test("/rest/v1 creates what the forms of Atomic CRM send, and takes whole rows back", async () => {
  const workspace = await createWorkspace();
  const { admin } = workspace;
  for (const [table, body] of Object.entries(await forms(workspace))) {
    const created = await single(admin, "POST", table, body);
    assertEquals(created.status, 201, JSON.stringify(created.body));
    const { id, created_at, updated_at } = created.body;
    assertGreater(created_at, "2026-11", table);
    const [text] = Object.entries(body).find(([, value]) => typeof value === "string") ?? [];
    const whole = { ...created.body, ...(table === "tags" ? { name: "x" } : { [`${text}`]: "x" }) };
    const row = table === "tasks" ? { ...created.body, text: "x" } : whole;
    const changed = await single(admin, "PATCH", `${table}?id=eq.${id}`, {
      ...row,
      created_at: "1999-01-01T00:00:00Z",
      updated_at: "294276-12-31T00:00:00Z",
    });
    assertEquals(changed.status, 200, JSON.stringify(changed.body));
    assertEquals([changed.body.id, changed.body.created_at], [id, created_at], table);
    assertGreater(changed.body.updated_at, updated_at, table);
    assertEquals((await single(admin, "DELETE", `${table}?id=eq.${id}`)).status, 200, table);
  }
});

test("/rest/v1 refuses a new record with an id of the caller", async () => {
  const { admin } = await createWorkspace();
  const { status, body } = await single(admin, "POST", "companies", { id: 1, name: "Taken" });
  assertEquals([status, body.code], [403, "42501"]);
});

test("/rest/v1 stores the settings page of an admin, and tells others who may", async () => {
  const { admin, addMember } = await createWorkspace();
  const config = { title: "Engines", dealStages: [{ value: "new", label: "New" }] };
  const stored = await single(admin, "PATCH", "configuration?id=eq.1", { config });
  assertEquals([stored.status, stored.body.config], [200, config]);
  const refused = await single(await addMember("manager"), "PATCH", "configuration?id=eq.1", {
    config,
  });
  assertRefused(refused, "Only an admin may change the settings. Ask an admin of your workspace.");
});

test("/rest/v1 tells a member who may give away and delete the records of others", async () => {
  const workspace = await createWorkspace();
  const rep = await workspace.addMember("rep");
  const names = {
    ...{ companies: "company", contacts: "contact", deals: "deal", tasks: "task" },
    ...{ contact_notes: "contact note", deal_notes: "deal note" },
  };
  const bodies: Record<string, object> = await forms(workspace);
  for (const [table, name] of Object.entries(names)) {
    const created = await single(workspace.admin, "POST", table, bodies[table]);
    const path = `${table}?id=eq.${created.body.id}`;
    assertRefused(
      await single(rep, "PATCH", path, { sales_id: rep.id }),
      "Only the owner, a manager or an admin may change the owner of this record. Ask one of them.",
    );
    const message =
      `Only the owner, a manager or an admin may delete this ${name}. Ask one of them.`;
    assertRefused(await single(rep, "DELETE", path), message);
    assertRefused(await single(rep, "DELETE", `${table}?id=in.(${created.body.id})`), message);
  }
  const tag = await single(workspace.admin, "POST", "tags", bodies.tags);
  assertRefused(
    await single(rep, "DELETE", `tags?id=eq.${tag.body.id}`),
    "Only a manager or an admin may delete a tag. Ask one of them.",
  );
});

interface RestAnswer {
  status: number;
  // deno-lint-ignore no-explicit-any
  body: any;
}

function assertRefused({ status, body }: RestAnswer, message: string): void {
  assertEquals([status, body.message], [409, message]);
  assertMatch(body.message, /\.$/);
}

/** Sends a request for one record, with the headers of ra-data-postgrest. */
async function single(
  member: TestMember,
  method: string,
  path: string,
  body?: unknown,
): Promise<RestAnswer> {
  const response = await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
    method,
    headers: {
      apikey: stack.publishableKey,
      Authorization: `Bearer ${member.token}`,
      Accept: "application/vnd.pgrst.object+json",
      Prefer: "return=representation",
      "Content-Type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
