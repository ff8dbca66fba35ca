/**
 * The auth server or the storage server fails at every call of every operation, in every way. Then the
 * request has changed nothing or everything, or the same request sent again completes it, so that the
 * database and the server agree.
 *
 * The operations come from the registry, and their calls are counted while they run.
 */
import { assert, assertEquals } from "@std/assert";
import type { Operation } from "../../supabase/functions/_shared/operation.ts";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { present } from "../support/exactly.ts";
import { operationForms } from "../support/registry.ts";
import {
  CALL_FAULTS,
  type CallFault,
  type ServerProxy,
  startServerProxy,
} from "../support/serverProxy.ts";
import { type Answer, test } from "../support/workspace.ts";
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

/** While a server is silent. Short, so that the walk takes little time. */
const SHORT_LIMITS = { answer: 1_000, transaction: 60_000 };
/** Otherwise. Long, because the machine may be busy. */
const LONG_LIMITS = { answer: 60_000, transaction: 60_000 };

/** A fault at one call, or at this call and all later ones. */
interface Failure {
  fault: CallFault;
  forGood: boolean;
}

const FAILURES: Failure[] = [
  ...CALL_FAULTS.map((fault) => ({ fault, forGood: false })),
  { fault: "down", forGood: true },
  { fault: "error", forGood: true },
];

interface Walk extends CleanRun {
  operation: Operation;
  calls: number;
}

// Reads and lists get neither server, see `_shared/operation.ts`.
const callers = operationForms.filter(({ kind }) => kind !== "read" && kind !== "list");

for (const [resource, members] of Map.groupBy(callers, ({ id }) => id.replace(/\..*/, ""))) {
  test(`${resource}: every operation survives a failing auth or storage server at any call`, async () => {
    const walks = members.flatMap((operation) =>
      variantsOf(operation).map((variant) => () => walk(operation, variant))
    );
    // One after the other for jobs, which work on all workspaces.
    if (resource === "jobs") { for (const begin of walks) await begin(); }
    else await Promise.all(walks.map((begin) => begin()));
  });
}

async function walk(operation: Operation, variant: Variant): Promise<void> {
  let calls = 0;
  const clean = await cleanRun(operation, variant, async (situation) => {
    let answer: Answer | undefined;
    await proxied(async (app, proxy) => {
      answer = await send(app, situation);
      calls = proxy.calls;
    });
    return present(answer, "answer");
  });
  if (calls === 0) return;
  const run = { ...clean, operation, calls };
  let situation = await prepare(operation, variant, clean.state);
  for (let at = 1; at <= calls; at++) {
    for (const failure of FAILURES) {
      try {
        const isSame = await failAt(run, situation, at, failure);
        if (!isSame) situation = await prepare(operation, variant, clean.state);
      } catch (cause) {
        const request = `${operation.id} ${variant.name}`.trim();
        const name = `${failure.fault}${failure.forGood ? " for good" : ""}`;
        const where = `${request}, ${name} at call ${at} of ${calls}`;
        throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  }
}

/** Sends the request with one failure. Returns whether the workspace is the same as before. */
async function failAt(
  run: Walk,
  situation: Situation,
  at: number,
  { fault, forGood }: Failure,
): Promise<boolean> {
  let answer: Answer | undefined;
  await proxied(async (app, proxy) => {
    proxy.watch(at, fault, forGood);
    answer = await send(app, situation);
  }, fault === "silence" ? SHORT_LIMITS : LONG_LIMITS);
  assertAnswer(present(answer, "answer"), run.status);
  const changes = await changesOf(situation);
  if (changes.length === 0) return true;
  if (run.operation.kind === "job") await runJobs();
  else {
    const repeated = await repeat(situation);
    assertEquals(repeated.status, run.status, JSON.stringify(repeated.body));
  }
  assertEquals(settled(await changesOf(situation)), settled(run.changes));
  return false;
}

/** Runs work with an app whose calls to the auth and storage servers go through a proxy. */
async function proxied(
  work: (app: AppUnderTest, proxy: ServerProxy) => Promise<void>,
  timeLimits = LONG_LIMITS,
): Promise<void> {
  await using proxy = await startServerProxy();
  await withApp({ supabaseUrl: proxy.url, timeLimits }, (app) => work(app, proxy));
}

/** The gateway's own 500 means that nobody expected the failure. */
function assertAnswer(answer: Answer, expected: number): void {
  const { status, body } = answer;
  if (status === expected) return;
  assert([409, 502, 503, 504].includes(status), `${status} ${JSON.stringify(body)}`);
  assertProblem(answer, status, body.code);
}
