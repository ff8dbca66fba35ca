/**
 * The states of a record in which operations succeed: new, joined (for users, who are invited first), in
 * the trash. Every operation must succeed in one of them.
 */
import { assert, assertLess } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import {
  bodyOf,
  call,
  type MakeRecord,
  type RecordId,
  recordsOf,
  resourceOf,
} from "../support/operations.ts";
import { type Answer, stack, type Workspace } from "../support/workspace.ts";

/** A successful request, and its answer. */
export interface Success {
  answer: Answer;
  id: RecordId | undefined;
  body: unknown;
  /** Makes more records in the same state. */
  make: MakeRecord;
}

/** Calls an operation in one state after the other until it succeeds. Throws when it succeeds in none. */
export async function firstSuccess(
  operation: Operation,
  workspace: Workspace,
  { headers, dryRun = true }: { headers?: HeadersInit; dryRun?: boolean } = {},
): Promise<Success> {
  const refusals: unknown[] = [];
  for (const make of states(workspace)) {
    const id = await pathId(operation, make);
    const body = await bodyOf(operation, make, dryRun);
    const token = operation.access === "service" ? stack.secretKey : workspace.admin.token;
    const answer = await call(operation, { token, id, body, headers });
    if (answer.status < 300) return { answer, id, body, make };
    assertLess(answer.status, 500, JSON.stringify(answer.body));
    refusals.push(answer.body);
  }
  throw new Error(`${operation.id} never succeeds: ${JSON.stringify(refusals)}`);
}

/** A record for an operation's path, or for its list to show. */
export async function pathId(
  operation: Operation,
  make: MakeRecord,
): Promise<RecordId | undefined> {
  const resource = resourceOf(operation);
  return resource === undefined ? undefined : await make(resource);
}

/** The ways to make a record: created, joined (for users), in the trash. */
export function states(workspace: Workspace): MakeRecord[] {
  const create = recordsOf(workspace);
  const join: MakeRecord = async (resource) =>
    resource === "users" ? (await workspace.addMember("rep")).id : await create(resource);
  const remove: MakeRecord = async (resource) => {
    const id = await join(resource);
    const { status } = await workspace.admin.api.delete(`/${resource}/${id}`);
    assert(status === 200 || status === 204);
    return id;
  };
  return [create, join, remove];
}
