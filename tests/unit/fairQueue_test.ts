/** The queue for connections: turns of workspaces and callers, its bounds, slow workspaces. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { NoAnswer, Overloaded } from "../../supabase/functions/_shared/database/problems.ts";
import { createFairQueue } from "../../supabase/functions/_shared/database/queue.ts";

const LONG = 60_000;

/** A queue whose turns a test ends. A caller `a1` belongs to the workspace `a`. */
function queueOf(size: number) {
  const clock = { now: 0 };
  const queue = createFairQueue(size, (caller) => caller.slice(0, 1), () => clock.now);
  const running: { caller: string; end(succeeded: boolean): void }[] = [];
  const started: string[] = [];
  const ask = (caller: string, milliseconds = LONG, longest?: number) =>
    queue.turn(caller, milliseconds, longest).then((end) => {
      started.push(caller);
      running.push({ caller, end });
    });
  /** Ends the oldest turn, and waits until the next one has begun. */
  const endOne = async (succeeded = true) => {
    running.shift()?.end(succeeded);
    await settled();
  };
  const endAll = async () => {
    while (running.length > 0) await endOne();
  };
  return { ask, endOne, endAll, started, clock };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("a quiet workspace gets the next turn, however many requests of another one wait", async () => {
  const { ask, endOne, endAll, started } = queueOf(2);
  for (let index = 0; index < 200; index++) void ask("a1");
  await settled();
  void ask("b1");
  await endOne();
  assertEquals(started, ["a1", "a1", "b1"]);
  await endAll();
  assertEquals(started.length, 201);
});

Deno.test("workspaces take turns, and callers of a workspace among themselves", async () => {
  const { ask, endAll, started } = queueOf(1);
  for (const caller of ["a1", "a1", "a1", "a2", "a2", "b1", "b1", "c1"]) void ask(caller);
  await settled();
  await endAll();
  assertEquals(started.join(" "), "a1 b1 c1 a2 b1 a1 a2 a1");
});

Deno.test("too much waiting work of a workspace is refused, and first that of its busiest caller", async () => {
  const { ask, endAll, started } = queueOf(1);
  const refused: string[] = [];
  const asked = Array.from({ length: 450 }, () => ask("a1").catch(() => refused.push("a1")));
  await settled();
  assertEquals(refused.length, 49);
  asked.push(ask("a2"), ask("b1"));
  await settled();
  assertEquals(refused.length, 50);
  await endAll();
  await Promise.all(asked);
  assertEquals(started.slice(0, 3), ["a1", "b1", "a2"]);
});

Deno.test("with too much waiting work in all, that of the busiest workspace is refused", async () => {
  const { ask, endAll, started } = queueOf(1);
  const refusals: Promise<Error>[] = [];
  const all = Array.from("abc", (name) => Array.from({ length: 350 }, () => ask(`${name}1`)));
  for (const waiting of all.flat()) waiting.catch((error) => refusals.push(error));
  await settled();
  assertEquals(refusals.length, 49);
  await Promise.all(refusals).then((errors) =>
    assertEquals(errors.every((error) => error instanceof Overloaded), true)
  );
  void ask("d1");
  await settled();
  assertEquals(refusals.length, 50);
  await endAll();
  assertEquals(started.includes("d1"), true);
});

Deno.test("a workspace with slow work leaves one connection to the others", async () => {
  const { ask, endOne, endAll, started, clock } = queueOf(3);
  for (let index = 0; index < 6; index++) void ask("a1");
  await settled();
  assertEquals(started.length, 3);
  clock.now = 2_000;
  await endOne();
  assertEquals(started.length, 3);
  void ask("b1");
  await settled();
  assertEquals(started.at(-1), "b1");
  await endAll();
  assertEquals(started.length, 7);
  clock.now = 100_000;
  for (let index = 0; index < 3; index++) void ask("a1");
  await settled();
  assertEquals(started.length, 10);
  await endAll();
});

Deno.test("who waits too long is told whether the database answers others", async () => {
  const { ask, endOne, endAll } = queueOf(1);
  void ask("a1");
  await assertRejects(() => ask("b1", 0), NoAnswer);
  void ask("a1");
  const waiting = assertRejects(() => ask("a1", 0), Overloaded);
  await endOne();
  await waiting;
  await endAll();
});

Deno.test("work waits longer while the database answers others, up to its longest time", async () => {
  const { endTurnOf, outcome, clock } = await longWait();
  for (let turn = 0; turn < 3; turn++) {
    endTurnOf("b1");
    await nextTimers();
    assertEquals(outcome.error, undefined);
  }
  clock.now = 100;
  endTurnOf("b1");
  await nextTimers();
  assertInstanceOf(outcome.error, Overloaded);
});

Deno.test("work stops waiting when the database answers nobody any more", async () => {
  const { endTurnOf, outcome } = await longWait();
  endTurnOf("b1");
  await nextTimers();
  assertEquals(outcome.error, undefined);
  await nextTimers();
  assertInstanceOf(outcome.error, NoAnswer);
});

/** Work of `a1` that waits up to 100 ms while turns of `b1` come first, since `a1` has one already. */
async function longWait() {
  const queue = createFairQueue(2, (caller) => caller, () => clock.now);
  const clock = { now: 0 };
  const outcome: { error?: unknown } = {};
  const ends: Record<string, (succeeded: boolean) => void> = {};
  const ask = (caller: string) => queue.turn(caller, LONG).then((end) => ends[caller] = end);
  for (const caller of ["a1", "b1", "b1", "b1", "b1", "b1"]) void ask(caller);
  await settled();
  queue.turn("a1", 0, 100).catch((error) => outcome.error = error);
  return { endTurnOf: (caller: string) => ends[caller]?.(true), outcome, clock };
}

/** Waits until the timers that are due next, and were set before, have run. */
async function nextTimers(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  await settled();
}
