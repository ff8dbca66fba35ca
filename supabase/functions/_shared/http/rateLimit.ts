/**
 * Rate limit: at most `limit` requests per caller and minute, over all isolates. Postgres keeps the
 * count. An isolate leases several requests at a time, so that most requests need no round trip. Its
 * first lease is small and each next one is twice as large, so that a caller whose requests reach many
 * isolates does not lose the quota to their leases.
 * Source of the headers: draft-ietf-httpapi-ratelimit-headers-11.
 */
import type { Database, Lease } from "../database/database.ts";
import { Problem } from "../problem.ts";

export interface RateLimiter {
  /**
   * Counts one request of a caller, and returns the headers for its answer.
   * Throws `rate_limited` when the caller has no requests left.
   */
  take(key: string): Promise<Record<string, string>>;
}

const WINDOW_SECONDS = 60;
/** Share of the limit in an isolate's first lease of a window, and in the largest. */
const FIRST_SHARE = 1 / 200;
const LARGEST_SHARE = 1 / 20;
const REMEMBERED_LEASES = 5_000;

/** Creates a limiter of `limit` requests per caller and minute. 0 means no limit. */
export function createRateLimiter(database: Database, limit: number): RateLimiter {
  if (limit === 0) return { take: () => Promise.resolve({}) };
  const leases = new Map<string, Promise<Lease>>();
  const sizes = new Map<string, number>();
  const sizeOf = (share: number) => Math.max(1, Math.floor(limit * share));
  const renew = (key: string) => {
    if (leases.size >= REMEMBERED_LEASES) {
      leases.clear();
      sizes.clear();
    }
    const size = sizes.get(key) ?? sizeOf(FIRST_SHARE);
    sizes.set(key, Math.min(size * 2, sizeOf(LARGEST_SHARE)));
    const lease = database.leaseRequests(key, size, limit, WINDOW_SECONDS);
    leases.set(key, lease);
    lease.catch(() => leases.delete(key));
    return lease;
  };
  return {
    async take(key) {
      let lease = await (leases.get(key) ?? renew(key));
      if (Date.now() >= lease.windowEnds) {
        sizes.delete(key);
        lease = await renewOnce(leases, key, lease, renew);
      }
      // Many requests at once can use up the renewed lease, too.
      while (isSpent(lease)) lease = await renewOnce(leases, key, lease, renew);
      const seconds = Math.max(1, Math.ceil((lease.windowEnds - Date.now()) / 1_000));
      const left = Math.max(0, lease.remaining + lease.left - 1);
      const headers = {
        "RateLimit-Policy": `"default";q=${limit};w=${WINDOW_SECONDS}`,
        "RateLimit": `"default";r=${left};t=${seconds}`,
      };
      if (lease.left <= 0) throw limited(seconds, headers);
      lease.left--;
      return headers;
    },
  };
}

/**
 * Whether a new lease is needed. When the whole window is used up, a new lease would be empty, too.
 */
function isSpent(lease: Lease): boolean {
  return lease.left <= 0 && lease.remaining > 0;
}

/** Renews a spent lease once for all requests that wait for it. */
async function renewOnce(
  leases: Map<string, Promise<Lease>>,
  key: string,
  spent: Lease,
  renew: (key: string) => Promise<Lease>,
): Promise<Lease> {
  for (;;) {
    const current = leases.get(key);
    const lease = current && await current;
    if (lease && lease !== spent) return lease;
    // Another request may have renewed the lease in the meantime.
    if (leases.get(key) === current) return await renew(key);
  }
}

function limited(seconds: number, headers: Record<string, string>): Problem {
  return new Problem("rate_limited", `Wait ${seconds} seconds, then send the request again.`, {
    headers: { ...headers, "Retry-After": String(seconds) },
  });
}
