/** What every operation that uses files answers when the storage server fails. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { withMigratedDatabase } from "../../dev/migratedDatabase.ts";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import { assertProblem } from "../support/answers.ts";
import { withApp } from "../support/app.ts";
import { bytesOf, put, upload } from "../support/files.ts";
import { bodyOf, type CallOptions, recordsOf, requestTo } from "../support/operations.ts";
import { dataUrl, imageBytes } from "../support/pictures.ts";
import { operations } from "../support/registry.ts";
import { startServerProxy } from "../support/serverProxy.ts";
import { createWorkspace, freshEmail, stack, test, type Workspace } from "../support/workspace.ts";

const avatar = { src: dataUrl(imageBytes(20_000)) };
const CSV = { record_type: "contacts", file_name: "Contacts.csv" };
const UNREACHABLE = "http://127.0.0.1:1";

/** Operation → makes a request to it that needs the storage server. */
const REQUESTS: Record<string, (workspace: Workspace) => Promise<CallOptions> | CallOptions> = {
  "attachments.create": () => ({
    body: { file_name: "Offer.pdf", content_type: "application/pdf", size: 10 },
  }),
  "attachments.url": async ({ admin }) => ({
    query: `?path=${encodeURIComponent(await upload(admin))}`,
  }),
  "contact_notes.create": (workspace) => newNote(workspace, "contact_notes"),
  "contact_notes.update": (workspace) => changedNote(workspace, "contact_notes"),
  "deal_notes.create": (workspace) => newNote(workspace, "deal_notes"),
  "deal_notes.update": (workspace) => changedNote(workspace, "deal_notes"),
  "imports.create": () => ({ body: CSV }),
  "imports.inspect": async ({ admin }) => {
    const { body } = await admin.api.post("/imports", CSV);
    await put(body.upload.upload_url, bytesOf("First name\r\nAda\r\n"), "text/csv");
    return { id: body.id };
  },
  "me.update": () => ({ body: { avatar } }),
  "users.update": ({ admin }) => ({ id: admin.id, body: { avatar } }),
  "atomic.update_user": ({ admin }) => ({ body: { sales_id: admin.id, avatar } }),
};

async function newNote(workspace: Workspace, resource: string): Promise<CallOptions> {
  const create = operations.find(({ id }) => id === `${resource}.create`);
  const body = create && await bodyOf(create, recordsOf(workspace));
  return { body: { ...Object(body), attachments: [{ path: await upload(workspace.admin) }] } };
}

async function changedNote(workspace: Workspace, resource: string): Promise<CallOptions> {
  const id = await recordsOf(workspace)(resource);
  return { id, body: { attachments: [{ path: await upload(workspace.admin) }] } };
}

const able = operations.filter((operation) => problemsOf(operation).has("storage_unavailable"));

for (const fault of ["down", "error"] as const) {
  test(`every operation of members that uses files answers 503 when the storage server is ${fault}`, async () => {
    const forMembers = able.filter(({ access }) => access === "member");
    assertEquals(forMembers.map(({ id }) => id).sort(), Object.keys(REQUESTS).sort());
    const workspace = await createWorkspace();
    await using proxy = await startServerProxy();
    await withApp({ supabaseUrl: proxy.url, rateLimit: 0 }, async (app) => {
      for (const operation of forMembers) {
        const options = await REQUESTS[operation.id]?.(workspace);
        proxy.watch(1, fault, true);
        const { path, init } = requestTo(operation, { ...options, token: workspace.admin.token });
        const answer = await app.send(path, init);
        assertProblem(answer, 503, "storage_unavailable");
        assertEquals(answer.headers.get("Retry-After"), "5");
      }
    });
  });
}

/** Inserts an import that waits for the job, and a file that nobody needs any more. */
async function insertWork(superuserUrl: string): Promise<void> {
  const sql = postgres(superuserUrl, { max: 1, onnotice() {} });
  const user = crypto.randomUUID();
  await sql`insert into auth.users (id, email) values (${user}, ${freshEmail()})`;
  await sql`
    insert into public.imports (workspace_id, member_id, user_id, state, path, size, layout)
    select
      workspace_id, id, user_id, 'running', workspace_id || '/contacts.csv', 100,
      '{"encoding": "utf-8", "delimiter": ",", "start": 0}'
    from public.sales where user_id = ${user}`;
  await sql`
    insert into private.attachment_removals (workspace_id, path, remove_after)
    select workspace_id, workspace_id || '/' || gen_random_uuid() || '/Offer.pdf', now()
    from public.sales where user_id = ${user}`;
  await sql.end();
}

// A database of its own, because jobs work on all workspaces.
test("every job that uses files answers 503 when the storage server cannot be reached", async () => {
  await withMigratedDatabase(async ({ databaseUrl, superuserUrl }) => {
    await insertWork(superuserUrl);
    await withApp({ databaseUrl, supabaseUrl: UNREACHABLE }, async (app) => {
      for (const job of able.filter(({ kind }) => kind === "job")) {
        const { path, init } = requestTo(job, { headers: { apikey: stack.secretKey } });
        assertProblem(await app.send(path, init), 503, "storage_unavailable");
      }
    });
  });
});
