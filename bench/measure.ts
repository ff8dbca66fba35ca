/** Rounds of load on several servers in turn, so that a slow moment of the machine affects all. */

import { type Load, load, median, type Target } from "./load.ts";

export interface Plan {
  connections: number;
  rounds: number;
  milliseconds: number;
}

/** Measures every target in each round. Returns medians over the rounds. */
export async function measure<Name extends string>(
  targets: Record<Name, Target>,
  plan: Plan,
): Promise<Record<Name, Load>> {
  const names = Object.keys(targets) as Name[];
  const rounds = new Map<Name, Load[]>(names.map((name) => [name, []]));
  for (const name of names) await load(targets[name], plan.connections, plan.milliseconds);
  for (let round = 0; round < plan.rounds; round++) {
    for (const name of names) {
      rounds.get(name)?.push(await load(targets[name], plan.connections, plan.milliseconds));
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, medians(rounds.get(name) ?? [])]),
  ) as Record<Name, Load>;
}

function medians(loads: Load[]): Load {
  return {
    requestsPerSecond: median(loads.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50: median(loads.map(({ p50 }) => p50)),
    p99: median(loads.map(({ p99 }) => p99)),
  };
}
