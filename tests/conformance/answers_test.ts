/** The successful answer of every operation: its declared status, fields and headers. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { VERSION } from "../../supabase/functions/api/version.ts";
import { operations } from "../support/registry.ts";
import { assertDeclared } from "../support/answers.ts";
import { call, includesOf, type RecordId } from "../support/operations.ts";
import { type Answer, createWorkspace, test, type Workspace } from "../support/workspace.ts";
import { firstSuccess } from "./states.ts";

// Operations with a required parameter, such as an uploaded file, are tested with their resource.
for (const operation of operations.filter(({ queryExample }) => queryExample === undefined)) {
  test(`${operation.id} answers ${operation.status ?? 200} with what it declares`, async () => {
    const workspace = await createWorkspace();
    const { answer, id } = await firstSuccess(operation, workspace);
    assertDeclared(operation, answer);
    assertHeaders(operation, answer);
    if (operation.kind === "read" || operation.kind === "list") {
      await testIncludes(operation, workspace, id);
    }
  });
}

function assertHeaders({ location }: Operation, { status, headers, body }: Answer): void {
  assert(headers.get("X-Request-Id"));
  assertEquals(headers.get("Portico-Version"), VERSION);
  assert(headers.get("Server-Timing")?.includes("total;dur="));
  const versioned = z.looseObject({ updated_at: z.string() }).safeParse(body);
  if (versioned.success) assertEquals(headers.get("ETag"), `"${versioned.data.updated_at}"`);
  const address = status === 201 ? location?.(body) : undefined;
  assertEquals(headers.get("Location") ?? undefined, address);
  if (address) assertEquals(address.split("/").at(-1), String(body.id));
}

async function testIncludes(
  operation: Operation,
  workspace: Workspace,
  id: RecordId | undefined,
): Promise<void> {
  const includes = includesOf(operation);
  if (includes.length === 0) return;
  const query = `?include=${includes.join(",")}`;
  const answer = await call(operation, { token: workspace.admin.token, id, query });
  assertDeclared(operation, answer);
  const record = Array.isArray(answer.body.data) ? answer.body.data[0] : answer.body;
  for (const name of includes) assert(name in record, `${operation.id} lacks ${name}`);
}
