/** Runs an operation in the transaction that its kind needs. */
import type { Caller } from "../authentication.ts";
import type { Member, RequestScope, Sql } from "../database/database.ts";
import { isDryRun, scopeOf } from "../facts.ts";
import {
  exportList,
  exportQuery,
  feedQuery,
  followFeed,
  type StreamedAnswer,
  streamFeed,
} from "../list/list.ts";
import type { Input, Operation, Transaction } from "../operation.ts";
import { Problem } from "../problem.ts";
import { StreamReply } from "../reply.ts";
import { type StoredAnswer, toAnswer, withChange } from "./answer.ts";
import { keepAlive } from "./background.ts";
import { idempotencyHooks, type IdempotentRequest, idempotentSaga } from "./idempotency.ts";
import type { Platform, RequestState } from "./platform.ts";

type AnyInput = Input<unknown, unknown, unknown>;
type OfKind<Kind extends Operation["kind"]> = Extract<Operation, { kind: Kind }>;

/** A request of a member. */
interface MemberRequest {
  input: AnyInput;
  idempotent: IdempotentRequest | undefined;
  scope: RequestScope;
  dryRun: boolean;
}

/**
 * Runs an operation with validated input, and returns its answer. Returns the stored answer for an
 * idempotent request that was answered before.
 * @throws Problem of the operation, of its permissions or of the database.
 */
export async function run(
  operation: Operation,
  platform: Platform,
  state: RequestState,
  input: AnyInput,
  idempotent: IdempotentRequest | undefined,
): Promise<StoredAnswer | StreamedAnswer> {
  if (operation.kind === "plain") return await runPlain(operation, platform, input);
  if (operation.kind === "job") return await runJob(operation, platform, state, input);
  const { caller } = state;
  if (!caller) throw new Error(`${operation.id} needs a caller`);
  const scope = requestScope(operation, caller, state);
  const dryRun = isDryRun(operation, input);
  const request: MemberRequest = { input, idempotent, scope, dryRun };
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
  { settings, operations, check, checkAnswers }: Platform,
  input: AnyInput,
): Promise<StoredAnswer> {
  const result = await operation.run({ settings, operations, check }, input);
  return toAnswer(result, operation, input, checkAnswers);
}

async function runJob(
  operation: OfKind<"job">,
  { settings, storage, network, database, checkAnswers }: Platform,
  state: RequestState,
  input: AnyInput,
): Promise<StoredAnswer> {
  const { requestId, timing } = state;
  const transaction = <Value>(work: (sql: Sql) => Promise<Value>) =>
    database.asGateway({ timing, limitsEach: true }, work);
  const asMember = (userId: string): Transaction => (work, options) =>
    database.write({ ...memberScope(operation, userId, state), limitsEach: true }, work, options);
  const context = { requestId, settings, storage, network, transaction, asMember };
  const result = await operation.run(context, input);
  return toAnswer(result, operation, input, checkAnswers);
}

async function runRead(
  operation: OfKind<"read" | "list">,
  { database, checkAnswers, reportFailure }: Platform,
  { input, scope }: MemberRequest,
): Promise<StoredAnswer | StreamedAnswer> {
  if (operation.kind === "list") {
    const { of, path } = operation;
    const read = <Value>(work: (sql: Sql) => Promise<Value>) =>
      database.read({ ...scope, limitsEach: true }, work);
    const report = (error: unknown) => reportFailure(scope.requestId, error);
    const exported = exportQuery(input.query);
    if (exported) return await exportList(of, exported, path, read, report);
    const feed = feedQuery(input.query);
    if (feed?.feed.isStreamed) return await streamFeed(of, feed, read, report);
    if (feed) return toAnswer(await followFeed(of, feed, read), operation, input, checkAnswers);
  }
  const result = await database.read(scope, (sql) => operation.run({ sql }, input));
  return toAnswer(result, operation, input, checkAnswers);
}

async function runWrite(
  operation: OfKind<"write">,
  { database, storage, checkAnswers }: Platform,
  { input, idempotent, scope, dryRun }: MemberRequest,
): Promise<StoredAnswer> {
  const answer = await database.write(scope, async (sql, member) => {
    const context = { storage, sql, member, dryRun };
    return toAnswer(await operation.run(context, input), operation, input, checkAnswers);
  }, { dryRun, hooks: idempotent && idempotencyHooks(idempotent, operation.shownOnce) });
  return withChange(answer, scope.recorded.changeId);
}

async function runSaga(
  operation: OfKind<"saga">,
  platform: Platform,
  { input, idempotent, scope, dryRun }: MemberRequest,
): Promise<StoredAnswer | StreamedAnswer> {
  const { database, settings, auth, storage, checkAnswers } = platform;
  const transaction: Transaction = (work, options) => database.write(scope, work, options);
  const step: Transaction = (work, options) =>
    database.write({ ...scope, limitsEach: true }, work, options);
  const background = (work: () => Promise<void>) => runInBackground(platform, scope, work);
  const context = { settings, auth, storage, transaction, step, dryRun, background };
  const run = () => operation.run(context, input);
  const work = async (result = run()) =>
    withChange(toAnswer(await result, operation, input, checkAnswers), scope.recorded.changeId);
  if (idempotent) return await idempotentSaga(database, scope, idempotent, work);
  const result = await run();
  if (!(result instanceof StreamReply)) return await work(Promise.resolve(result));
  return { status: 200, headers: result.headers, body: result.body };
}

function runInBackground(
  { reportFailure }: Platform,
  { requestId }: RequestScope,
  work: () => Promise<void>,
): void {
  keepAlive(work().catch((error) => reportFailure(requestId, error)));
}

/** The scope of work that a job does for a member: with the claims that the member would have. */
function memberScope(operation: Operation, userId: string, state: RequestState): RequestScope {
  const claims = { sub: userId, role: "authenticated" };
  return requestScope(operation, { userId, claims, credential: "none" }, state);
}

function requestScope(operation: Operation, caller: Caller, state: RequestState): RequestScope {
  return {
    caller,
    operation: operation.id,
    recorded: {},
    requestId: state.requestId,
    timing: state.timing,
    authorise: (member) => {
      state.log.workspace = member.workspace_id;
      if (caller.credential === "key") authoriseKey(operation, member);
      authorise(operation, member);
    },
  };
}

/** Refuses an operation that is not open to API keys, or for which the key lacks the scope. */
function authoriseKey(operation: Operation, { scopes }: Member): void {
  const scope = scopeOf(operation);
  if (scope === undefined) {
    const detail = "API keys may not do this. Sign in as a user, and send the access token.";
    throw new Problem("user_required", detail);
  }
  if (!scopes || scopes.includes(scope)) return;
  const detail = `Ask an administrator to give this API key the scope ${scope}.`;
  throw new Problem("scope_missing", detail, { members: { scope } });
}

/** Refuses by role alone. `owner` and `self` depend on the record, and are checked with it. */
function authorise({ allowed }: Operation, { role }: Member): void {
  if (allowed === "admin" && role !== "admin") {
    throw new Problem("admin_required", "Ask an administrator of your workspace to do this.");
  }
  if (allowed === "manager" && role === "rep") {
    throw new Problem("forbidden", "Ask a manager or an administrator of your workspace.");
  }
}
