/**
 * The connection to the database fails at every statement of every operation, in every way. Then the
 * request has changed nothing or everything, and the gateway serves the next request.
 *
 * The operations come from the registry, and their statements are counted while they run.
 */
import { assert, assertEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import type { Settings } from "../../supabase/functions/_shared/settings.ts";
import { assertProblem } from "../support/answers.ts";
import { testSettings, withApp } from "../support/app.ts";
import {
  connectionsAre,
  type DatabaseProxy,
  type Fault,
  startDatabaseProxy,
} from "../support/databaseProxy.ts";
import { present } from "../support/exactly.ts";
import { operationForms } from "../support/registry.ts";
import { type Answer, test } from "../support/workspace.ts";
import type { AppUnderTest } from "../support/app.ts";
import {
  changesOf,
  type CleanRun,
  cleanRun,
  prepare,
  repeat,
  runJobs,
  send,
  settled,
  type Situation,
  type Variant,
  variantsOf,
} from "./situation.ts";

const FAULTS: readonly Fault[] = ["before", "after", "half", "silence"];
/** Until the database is silent. Short, so that the walk takes little time. */
const SHORT_LIMITS = { answer: 300, transaction: 400 };
/** Otherwise. Long, because the machine may be busy. */
const LONG_LIMITS = { answer: 60_000, transaction: 60_000 };

interface Walk extends CleanRun {
  operation: Operation;
  statements: number;
}

for (const [resource, members] of byResource(operationForms)) {
  test(`${resource}: no operation does things by half when the connection fails at any statement`, async () => {
    const walks = members.flatMap((operation) =>
      variantsOf(operation).map((variant) => () => walk(operation, variant))
    );
    // One after the other for jobs, which work on all workspaces.
    if (resource === "jobs") { for (const begin of walks) await begin(); }
    else await Promise.all(walks.map((begin) => begin()));
  });
}

function byResource(all: readonly Operation[]): Map<string, Operation[]> {
  return Map.groupBy(all, ({ id }) => id.slice(0, id.indexOf(".")));
}

async function walk(operation: Operation, variant: Variant): Promise<void> {
  let statements = 0;
  const clean = await cleanRun(operation, variant, async (situation) => {
    let answer: Answer | undefined;
    await proxied(async (app, proxy) => {
      answer = await send(app, situation);
      statements = proxy.statements;
    });
    return present(answer, "answer");
  });
  const run = { ...clean, operation, statements };
  if (statements === 0) return;
  let situation = await prepare(operation, variant, clean.state);
  for (let at = 1; at <= statements; at++) {
    for (const fault of FAULTS) {
      try {
        const isSame = await failAt(run, situation, at, fault);
        if (!isSame) situation = await prepare(operation, variant, clean.state);
      } catch (cause) {
        const request = `${operation.id} ${variant.name}`.trim();
        const where = `${request}, fault ${fault} at statement ${at} of ${statements}`;
        throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  }
}

/** Sends the request with one fault. Returns whether the workspace is the same as before. */
async function failAt(
  run: Walk,
  situation: Situation,
  at: number,
  fault: Fault,
): Promise<boolean> {
  let answer: Answer | undefined;
  await proxied(async (app, proxy, timeLimits) => {
    if (fault === "silence") Object.assign(timeLimits, SHORT_LIMITS);
    // The silent statement has its limit already. Those after it need time on a busy machine.
    proxy.watch(at, fault, () => Object.assign(timeLimits, LONG_LIMITS));
    answer = await send(app, situation);
    proxy.watch();
    Object.assign(timeLimits, LONG_LIMITS);
    await assertServesNext(app);
    await assertConnectionsReturned(proxy);
  });
  assertAnswer(present(answer, "answer"), run);
  const { kind } = run.operation;
  if (kind === "plain" || kind === "read" || kind === "list") return true;
  return kind === "job"
    ? await assertJob(run, situation)
    : await assertWhole(run, situation, present(answer, "answer"), fault);
}

/** Runs work with an app that has one connection, through a proxy. All are closed afterwards. */
async function proxied(
  work: (
    app: AppUnderTest,
    proxy: DatabaseProxy,
    timeLimits: Settings["timeLimits"],
  ) => Promise<void>,
): Promise<void> {
  const { databaseUrl } = await testSettings();
  await using proxy = startDatabaseProxy(databaseUrl);
  const timeLimits = { ...LONG_LIMITS };
  const settings = { databaseUrl: proxy.url, databaseConnections: 1, timeLimits };
  await withApp(settings, (app) => work(app, proxy, timeLimits));
  await connectionsAre(proxy, (rows) => rows.length === 0);
}

function assertAnswer(answer: Answer, { status }: Walk): void {
  if (answer.status === status) return;
  assert([409, 503].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
  assertProblem(answer, answer.status, answer.body.code);
}

/** The request has changed nothing or everything. A repeated one completes it, and does it once. */
async function assertWhole(
  run: Walk,
  situation: Situation,
  answer: Answer,
  fault: Fault,
): Promise<boolean> {
  const isSaga = run.operation.kind === "saga";
  const changes = await changesOf(situation);
  if (answer.status === run.status) assertChanges(run, changes, isSaga);
  if (changes.length === 0) return run.changes.length > 0;
  if (!isSaga) assertChanges(run, changes);
  if (!isSaga && run.operation.method !== "POST") return false;
  const repeated = await repeat(situation);
  // A saga that was complete when its time was over says so.
  const isRefused = isSaga && fault === "silence" && repeated.status === 409;
  if (!isRefused) assertEquals(repeated.status, run.status, JSON.stringify(repeated.body));
  assertChanges(run, await changesOf(situation), isRefused);
  return false;
}

/** `ignoresKey`: the answer of a saga is true although it could not be stored under the key. */
function assertChanges(
  { operation, changes: expected }: Walk,
  changes: string[],
  ignoresKey = false,
): void {
  if (operation.kind !== "saga") return assertEquals(changes, expected);
  const compared = (rows: string[]) =>
    settled(rows).filter((row) => !ignoresKey || !row.startsWith("+ gateway.idempotency_keys "));
  assertEquals(compared(changes), compared(expected));
}

/** When the job has begun its work, the next run completes it. */
async function assertJob(run: Walk, situation: Situation): Promise<boolean> {
  const changes = await changesOf(situation);
  if (changes.length === 0) return true;
  await runJobs();
  assertEquals(await changesOf(situation), run.changes);
  return false;
}

async function assertServesNext(app: AppUnderTest): Promise<void> {
  const { status, body } = await app.send("/api/ready");
  assertEquals(status, 200, `The next request: ${JSON.stringify(body)}`);
}

/** The app has one connection at most, and no transaction is open. */
async function assertConnectionsReturned(proxy: DatabaseProxy): Promise<void> {
  await connectionsAre(
    proxy,
    (rows) => rows.length <= 1 && rows.every(({ state }) => state === "idle"),
  );
}
