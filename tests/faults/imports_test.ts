/**
 * The connection to the database fails at every statement of a running import. The job then continues it,
 * and the result is the one of an undisturbed run: no row is lost, and none is done twice.
 */
import { assert, assertEquals } from "@std/assert";
import { countsOf, createImport, ended } from "../api/imports/importing.ts";
import { type Fault, withProxiedApp } from "../support/databaseProxy.ts";
import { api, createWorkspace, sql, stack, test, type TestMember } from "../support/workspace.ts";

const EXISTING = "First name,Email\nAda,ada@example.com";
const FILE = [
  "First name,Email,Company,Tags",
  "Augusta,ada@example.com,Engines,vip",
  "Grace,grace@example.com,Navy,vip",
  "Alan,alan@example.com,engines,late",
  "Broken,no address,,",
].join("\n");

for (const fault of ["before", "after"] satisfies Fault[]) {
  test(`imports that lose the connection ${fault} any statement are completed by the job`, async () => {
    let wasMet = true;
    let at = 1;
    for (; wasMet; at++) wasMet = await interruptedAt(at, fault);
    assert(at > 20, `An import has only ${at} statements`);
  });
}

/** Returns whether the import has as many statements. */
async function interruptedAt(at: number, fault: Fault): Promise<boolean> {
  const { admin } = await createWorkspace();
  await runWithoutFault(admin, EXISTING);
  const { id } = await createImport(admin, { content: FILE, policy: "update" });
  let wasMet = false;
  await withProxiedApp(async (app, proxy) => {
    proxy.watch(at, fault);
    await app.send(`/api/imports/${id}/run`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.token}`, "Content-Type": "application/json" },
      body: "{}",
    });
    while (!proxy.broken && await stateOf(admin, id) !== "completed");
    wasMet = proxy.broken;
    await completeByJob(admin, id);
  });
  const done = await ended(admin, id);
  const message = `${fault} statement ${at}`;
  assertEquals(countsOf(done), { created: 2, updated: 1, skipped: 0, rejected: 1 }, message);
  assertEquals(
    await namesOf(admin, "contacts", "first_name"),
    ["Augusta", "Grace", "Alan"],
    message,
  );
  assertEquals(await namesOf(admin, "companies", "name"), ["Engines", "Navy"], message);
  assertEquals(await namesOf(admin, "tags", "name"), ["late", "vip"], message);
  return wasMet;
}

async function runWithoutFault(member: TestMember, content: string): Promise<void> {
  const { id } = await createImport(member, { content });
  await member.api.post(`/imports/${id}/run`, {});
  await ended(member, id);
}

/** As a scheduler does, at a time when the interrupted process would have moved the import. */
async function completeByJob(member: TestMember, id: string): Promise<void> {
  for (;;) {
    const state = await stateOf(member, id);
    if (state === "completed") return;
    if (state === "ready") await member.api.post(`/imports/${id}/run`, {});
    await sql`update public.imports set due_at = now() where id = ${id}`;
    await api(stack.secretKey).post("/jobs/continue_imports");
  }
}

async function stateOf({ api }: TestMember, id: string): Promise<string> {
  return (await api.get(`/imports/${id}`)).body.state;
}

async function namesOf({ api }: TestMember, resource: string, field: string): Promise<string[]> {
  const { body } = await api.get(`/${resource}?sort=id&select=${field}`);
  return body.data.map((row: Record<string, string>) => row[field]);
}
