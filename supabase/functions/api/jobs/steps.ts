/** Jobs work in steps, so that no transaction is long. */

/** How long one run of a job may start new steps. */
const TIME_MS = 20_000;

/** Repeats the step until it returns true, or until the time is over. */
export async function runSteps(step: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIME_MS;
  while (performance.now() < deadline) {
    if (await step()) return;
  }
}
