/** Checks that many requests share. */

const REMEMBERED_MS = 1_000;

/**
 * Returns a check for many callers: requests at the same time share one run of it, and its success is
 * remembered for a second. A failure is not remembered, so that a recovery shows at once.
 */
export function rememberSuccess(check: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let succeededAt = -Infinity;
  const run = async () => {
    try {
      await check();
      succeededAt = performance.now();
    } finally {
      running = undefined;
    }
  };
  return () => {
    if (performance.now() < succeededAt + REMEMBERED_MS) return Promise.resolve();
    return running ??= run();
  };
}
