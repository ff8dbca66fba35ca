/** Runs an operation by its kind: in the transaction that the kind asks for, as the caller. */
import type { Caller } from "../authentication.ts";
import type { Member, RequestScope, Sql } from "../database/database.ts";
import { isDryRun } from "../facts.ts";
import { exportList, exportQuery, type StreamedAnswer } from "../list/list.ts";
import type { Input, Operation } from "../operation.ts";
import { Problem } from "../problem.ts";
import { type StoredAnswer, toAnswer } from "./answer.ts";
import { idempotentEnvelope, type IdempotentRequest, idempotentSaga } from "./idempotency.ts";
import type { Platform, RequestState } from "./platform.ts";

type AnyInput = Input<unknown, unknown, unknown>;
type OfKind<Kind extends Operation["kind"]> = Extract<Operation, { kind: Kind }>;

/** A request of a member, with what its transactions need to know of it. */
interface MemberRequest {
  caller: Caller;
  requestId: string;
  input: AnyInput;
  idempotent: IdempotentRequest | undefined;
  scope: RequestScope;
  dryRun: boolean;
}

/**
 * Runs an operation with validated input; an idempotent request that was answered before gets the same
 * answer.
 */
export async function run(
  operation: Operation,
  platform: Platform,
  state: RequestState,
  input: AnyInput,
  idempotent: IdempotentRequest | undefined,
): Promise<StoredAnswer | StreamedAnswer> {
  if (operation.kind === "plain") return await runPlain(operation, platform, state, input);
  if (operation.kind === "job") return await runJob(operation, platform, state, input);
  const { caller, requestId } = state;
  if (!caller) throw new Error(`${operation.id} needs a caller`);
  const scope = scopeOf(operation, caller, state);
  const dryRun = isDryRun(operation, input);
  const request: MemberRequest = { caller, requestId, input, idempotent, scope, dryRun };
  switch (operation.kind) {
    case "read":
    case "list":
      return await runRead(operation, platform, request);
    case "write":
      return await runWrite(operation, platform, request);
    case "saga":
      return await runSaga(operation, platform, request);
  }
}

async function runPlain(
  operation: OfKind<"plain">,
  { settings, operations, database, auth, checkAnswers }: Platform,
  { requestId }: RequestState,
  input: AnyInput,
): Promise<StoredAnswer> {
  const check = { database: () => database.ping(), auth: () => auth.ping() };
  const result = await operation.run({ settings, operations, requestId, check }, input);
  return toAnswer(result, operation, input, checkAnswers);
}

async function runJob(
  operation: OfKind<"job">,
  { settings, storage, database, checkAnswers }: Platform,
  state: RequestState,
  input: AnyInput,
): Promise<StoredAnswer> {
  const { requestId } = state;
  const transaction = <Value>(work: (sql: Sql) => Promise<Value>) => database.own(state, work);
  const result = await operation.run({ requestId, settings, storage, transaction }, input);
  return toAnswer(result, operation, input, checkAnswers);
}

async function runRead(
  operation: OfKind<"read" | "list">,
  { database, settings, checkAnswers, reportFailure }: Platform,
  { caller, requestId, input, scope }: MemberRequest,
): Promise<StoredAnswer | StreamedAnswer> {
  const read = <Value>(work: (sql: Sql) => Promise<Value>) => database.read(scope, work);
  const exported = operation.kind === "list" && exportQuery(input.query);
  if (operation.kind === "list" && exported) {
    const report = (error: unknown) => reportFailure(requestId, error);
    return await exportList(operation.of, exported, operation.path, read, report);
  }
  const result = await read((sql) => operation.run({ caller, requestId, settings, sql }, input));
  return toAnswer(result, operation, input, checkAnswers);
}

async function runWrite(
  operation: OfKind<"write">,
  { database, settings, storage, checkAnswers }: Platform,
  { caller, requestId, input, idempotent, scope, dryRun }: MemberRequest,
): Promise<StoredAnswer> {
  return await database.write(scope, async (sql, member) => {
    const context = { caller, requestId, settings, storage, sql, member, dryRun };
    return toAnswer(await operation.run(context, input), operation, input, checkAnswers);
  }, { dryRun, envelope: idempotent && idempotentEnvelope(idempotent) });
}

async function runSaga(
  operation: OfKind<"saga">,
  { database, settings, auth, storage, checkAnswers }: Platform,
  { caller, requestId, input, idempotent, scope, dryRun }: MemberRequest,
): Promise<StoredAnswer> {
  const transaction = <Value>(
    work: (sql: Sql, member: Member) => Promise<Value>,
    options?: { dryRun?: boolean },
  ) => database.write<Value>(scope, work, options);
  const work = async () => {
    const context = { caller, requestId, settings, auth, storage, transaction, dryRun };
    return toAnswer(await operation.run(context, input), operation, input, checkAnswers);
  };
  if (!idempotent) return await work();
  // A stored answer is for members who may still call the operation: this checks who they are now.
  await database.read(scope, () => Promise.resolve());
  return await idempotentSaga(database, scope, idempotent, work);
}

function scopeOf(operation: Operation, caller: Caller, state: RequestState): RequestScope {
  return {
    caller,
    requestId: state.requestId,
    timing: state.timing,
    authorise: (member) => {
      state.log.workspace = member.workspace_id;
      authorise(operation, member);
    },
  };
}

/** What the role alone decides; `owner` and `self` depend on the record, and are decided with it. */
function authorise({ allowed }: Operation, { role }: Member): void {
  if (allowed === "admin" && role !== "admin") {
    throw new Problem("admin_required", "Ask an administrator of your workspace to do this.");
  }
  if (allowed === "manager" && role === "rep") {
    throw new Problem("forbidden", "Ask a manager or an administrator of your workspace.");
  }
}
