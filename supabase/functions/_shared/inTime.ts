/** Waiting with a time limit. */

/**
 * Waits for a promise, and returns its value. The work of a late promise goes on.
 * @throws what `late` returns, when the promise takes longer than `milliseconds`.
 */
export async function inTime<Value>(
  promise: PromiseLike<Value>,
  milliseconds: number,
  late: () => Error,
): Promise<Value> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(late()), milliseconds);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
