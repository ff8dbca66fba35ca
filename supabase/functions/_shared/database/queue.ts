/**
 * The order in which waiting work gets the connections of an isolate. Workspaces take turns, and
 * callers of a workspace among themselves, so that nobody waits for all requests of another one.
 */
import { NoAnswer, Overloaded } from "./problems.ts";

const MAXIMUM_WAITING = 1_000;
const MAXIMUM_WAITING_PER_WORKSPACE = 400;
/** A workspace whose work takes longer leaves one connection to the others for a while. */
const SLOW_MS = 1_000;
const REMEMBERED_MS = 60_000;
const REMEMBERED_WORKSPACES = 1_000;
const REMEMBERED_TURNS = 10_000;

/** Ends a turn. `succeeded`: the database has answered. */
type EndTurn = (succeeded: boolean) => void;

/** A queue for a number of connections. */
export interface FairQueue {
  /**
   * Waits for a turn: while it lasts, one connection is free for the caller. `milliseconds` is how long
   * to wait without any answer of the database, `longest` how long while it answers other work.
   * @throws Overloaded when too many wait, or when other work has had all turns for the longest time.
   * @throws NoAnswer when no turn became free in time because the database does not answer.
   */
  turn(caller: string, milliseconds: number, longest?: number): Promise<EndTurn>;
}

/** Work that has its turn. */
interface Running {
  caller: string;
  since: number;
}

/** Work that waits for its turn. */
interface Waiting {
  caller: string;
  /** Turns before the latest one when it came. */
  begun: number;
  start(end: EndTurn): void;
  refuse(error: Error): void;
}

/**
 * Creates a queue for `size` connections. Callers of the same workspace share its turns. `now` is a
 * clock in milliseconds.
 */
export function createFairQueue(
  size: number,
  workspaceOf: (caller: string) => string,
  now: () => number = () => performance.now(),
): FairQueue {
  const state = new QueueState(size, workspaceOf, now);
  return {
    turn: (caller, milliseconds, longest = milliseconds) =>
      new Promise((start, reject) => {
        const end = state.now() + longest;
        let seen = state.succeeded;
        const look = () => {
          const isAnswering = state.succeeded > seen;
          const left = end - state.now();
          if (!isAnswering || left <= 0) return state.giveUp(waiting, isAnswering);
          seen = state.succeeded;
          timer = setTimeout(look, Math.min(milliseconds, left));
        };
        let timer = setTimeout(look, milliseconds);
        const waiting: Waiting = {
          caller,
          begun: state.begun - 1,
          start(end) {
            clearTimeout(timer);
            start(end);
          },
          refuse(error) {
            clearTimeout(timer);
            reject(error);
          },
        };
        state.add(waiting);
      }),
  };
}

class QueueState {
  begun = 0;
  succeeded = 0;
  #running = new Set<Running>();
  /** In the order in which it came. */
  #waiting: Waiting[] = [];
  /** Workspace or caller → its last turn, until nothing runs. */
  #lastTurns = new Map<string, number>();
  /** Workspace → the time until which it is known for slow work. */
  #slow = new Map<string, number>();

  constructor(
    readonly size: number,
    readonly workspaceOf: (caller: string) => string,
    readonly now: () => number,
  ) {}

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#refuseSuperfluous(waiting);
    this.#startNext();
  }

  giveUp(waiting: Waiting, isAnswering: boolean): void {
    this.#remove(waiting);
    waiting.refuse(
      isAnswering
        ? new Overloaded("Other work has had all connections")
        : new NoAnswer("No connection to the database became free in time"),
    );
  }

  /** Refuses the newest work of whoever has most waiting, when too much waits. */
  #refuseSuperfluous({ caller }: Waiting): void {
    const workspace = this.workspaceOf(caller);
    const own = this.#waiting.filter((other) => this.workspaceOf(other.caller) === workspace);
    const crowd = own.length > MAXIMUM_WAITING_PER_WORKSPACE
      ? largest(own, (waiting) => waiting.caller)
      : this.#waiting.length > MAXIMUM_WAITING
      ? largest(this.#waiting, (waiting) => this.workspaceOf(waiting.caller))
      : [];
    const refused = crowd.at(-1);
    if (!refused) return;
    this.#remove(refused);
    refused.refuse(new Overloaded("Too many requests wait for a connection"));
  }

  #remove(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #startNext(): void {
    while (this.#running.size < this.size) {
      const next = this.#next();
      if (!next) return;
      this.#start(next);
    }
  }

  #start(waiting: Waiting): void {
    const { caller } = waiting;
    const running = { caller, since: this.now() };
    this.#running.add(running);
    this.begun++;
    if (this.#lastTurns.size >= REMEMBERED_TURNS) this.#lastTurns.clear();
    this.#lastTurns.set(workspaceKey(this.workspaceOf(caller)), this.begun);
    this.#lastTurns.set(callerKey(caller), this.begun);
    this.#remove(waiting);
    waiting.start((succeeded) => {
      this.#running.delete(running);
      if (succeeded) this.succeeded++;
      if (this.now() > running.since + SLOW_MS) this.#remember(this.workspaceOf(caller));
      this.#startNext();
      if (this.#running.size === 0) this.#lastTurns.clear();
    });
  }

  #remember(workspace: string): void {
    if (this.#slow.size >= REMEMBERED_WORKSPACES) this.#slow.clear();
    this.#slow.set(workspace, this.now() + REMEMBERED_MS);
  }

  /**
   * Returns the waiting work of the workspace with the fewest turns at the moment, of those the one
   * whose last turn is the longest ago; in the same way among the workspace's callers.
   */
  #next(): Waiting | undefined {
    let first: { waiting: Waiting; place: number[] } | undefined;
    for (const waiting of this.#waiting) {
      const workspace = this.workspaceOf(waiting.caller);
      if (!this.#maySpread(workspace)) continue;
      const place = [
        this.#turnsOf(workspace),
        this.#lastTurns.get(workspaceKey(workspace)) ?? waiting.begun,
        this.#count(({ caller }) => caller === waiting.caller),
        this.#lastTurns.get(callerKey(waiting.caller)) ?? waiting.begun,
      ];
      if (!first || isBefore(place, first.place)) first = { waiting, place };
    }
    return first?.waiting;
  }

  /** Whether a workspace may have one more turn. One with slow work may not have all of them. */
  #maySpread(workspace: string): boolean {
    if (this.#turnsOf(workspace) < Math.max(1, this.size - 1)) return true;
    const now = this.now();
    if ((this.#slow.get(workspace) ?? 0) > now) return false;
    return this.#count(({ caller, since }) =>
      this.workspaceOf(caller) === workspace && now > since + SLOW_MS
    ) === 0;
  }

  #turnsOf(workspace: string): number {
    return this.#count(({ caller }) => this.workspaceOf(caller) === workspace);
  }

  #count(condition: (running: Running) => boolean): number {
    let count = 0;
    for (const running of this.#running) if (condition(running)) count++;
    return count;
  }
}

function workspaceKey(workspace: string): string {
  return `workspace ${workspace}`;
}

function callerKey(caller: string): string {
  return `caller ${caller}`;
}

function isBefore(place: number[], other: number[]): boolean {
  const index = place.findIndex((value, at) => value !== other[at]);
  return index >= 0 && (place[index] ?? 0) < (other[index] ?? 0);
}

/** The items of the key with the most of them, in their order. */
function largest(items: Waiting[], keyOf: (item: Waiting) => string): Waiting[] {
  const groups = [...Map.groupBy(items, keyOf).values()];
  return groups.reduce((found, group) => group.length > found.length ? group : found, []);
}
