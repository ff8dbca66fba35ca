/**
 * Rate limit: at most `limit` requests per caller and minute, over all isolates. Postgres keeps the
 * count. An isolate leases several requests at a time, so that most requests need no round trip. Its
 * first lease is small and each next one is twice as large, so that a caller whose requests reach many
 * isolates does not lose the quota to their leases. A request that writes many records counts as
 * several.
 * Source of the headers: draft-ietf-httpapi-ratelimit-headers-11.
 */
import type { Database, Lease } from "../database/database.ts";
import { Problem } from "../problem.ts";

export interface RateLimiter {
  /**
   * Counts one request of a caller, or as many more as its records are, and returns the headers for
   * its answer. Throws `rate_limited`, and counts none, when the caller has fewer requests left.
   */
  take(key: string, more?: number): Promise<Record<string, string>>;
  /** Counts requests whose work is done: as many of them as the caller has left. */
  spend(key: string, requests: number): Promise<Record<string, string>>;
}

const WINDOW_SECONDS = 60;
/** Share of the limit in an isolate's first lease of a window, and in the largest. */
const FIRST_SHARE = 1 / 200;
const LARGEST_SHARE = 1 / 20;
const REMEMBERED_LEASES = 5_000;

/** Creates a limiter of `limit` requests per caller and minute. 0 means no limit. */
export function createRateLimiter(database: Database, limit: number): RateLimiter {
  const unlimited = () => Promise.resolve({});
  if (limit === 0) return { take: unlimited, spend: unlimited };
  const leases = createLeases(database, limit);
  const headersOf = ({ windowEnds, remaining, left }: Lease) => {
    const seconds = Math.max(1, Math.ceil((windowEnds - Date.now()) / 1_000));
    return {
      "RateLimit-Policy": `"default";q=${limit};w=${WINDOW_SECONDS}`,
      "RateLimit": `"default";r=${Math.max(0, remaining + left)};t=${seconds}`,
    };
  };
  return {
    async take(key, more) {
      // With the request itself at most a whole window, since more would never be accepted.
      const wanted = more === undefined ? 1 : Math.min(more, limit - 1);
      return await leases.use(key, wanted, (lease) => {
        if (lease.left < wanted) throw limited(lease, more, headersOf(lease));
        lease.left -= wanted;
        return headersOf(lease);
      });
    },
    async spend(key, requests) {
      return await leases.use(key, Math.min(requests, limit), (lease) => {
        lease.left -= Math.min(requests, lease.left);
        return headersOf(lease);
      });
    },
  };
}

/** The leases of an isolate, by caller. */
function createLeases(database: Database, limit: number) {
  const leases = new Map<string, Promise<Lease>>();
  const sizes = new Map<string, number>();
  const sizeOf = (share: number) => Math.max(1, Math.floor(limit * share));
  /** The new lease takes over what is left of the old one. */
  const renew = (key: string, wanted: number, old?: Lease) => {
    if (leases.size >= REMEMBERED_LEASES) {
      leases.clear();
      sizes.clear();
    }
    const rest = old?.left ?? 0;
    if (old) old.left = 0;
    const size = sizes.get(key) ?? sizeOf(FIRST_SHARE);
    sizes.set(key, Math.min(size * 2, sizeOf(LARGEST_SHARE)));
    const leasing = database.leaseRequests(
      key,
      Math.max(size, wanted - rest),
      limit,
      WINDOW_SECONDS,
    );
    const lease = leasing.then((added) => ({
      ...added,
      left: added.left + (added.windowEnds === old?.windowEnds ? rest : 0),
    }));
    leases.set(key, lease);
    lease.catch(() => leases.delete(key));
    return lease;
  };
  return {
    /**
     * Calls `work` with the caller's lease, which has this many requests when the window has as many
     * left. Nothing else uses the lease between the check and the work.
     */
    async use<Value>(key: string, wanted: number, work: (lease: Lease) => Value): Promise<Value> {
      const renewed = (lease: Lease) =>
        renewOnce(leases, key, lease, () => renew(key, wanted, lease));
      let lease = await (leases.get(key) ?? renew(key, wanted));
      if (Date.now() >= lease.windowEnds) {
        sizes.delete(key);
        lease = await renewed(lease);
      }
      // Many requests at once can use up the renewed lease, too.
      while (lease.left < wanted && lease.remaining > 0) lease = await renewed(lease);
      return work(lease);
    },
  };
}

/** Renews a spent lease once for all requests that wait for it. */
async function renewOnce(
  leases: Map<string, Promise<Lease>>,
  key: string,
  spent: Lease,
  renew: () => Promise<Lease>,
): Promise<Lease> {
  for (;;) {
    const current = leases.get(key);
    const lease = current && await current;
    if (lease && lease !== spent) return lease;
    // Another request may have renewed the lease in the meantime.
    if (leases.get(key) === current) return await renew();
  }
}

function limited(
  lease: Lease,
  more: number | undefined,
  headers: Record<string, string>,
): Problem {
  const seconds = Math.max(1, Math.ceil((lease.windowEnds - Date.now()) / 1_000));
  const detail = more === undefined
    ? `Wait ${seconds} seconds, then send the request again.`
    : `The records count as ${more + 1} requests. Wait ${seconds} seconds, or send fewer records.`;
  return new Problem("rate_limited", detail, {
    headers: { ...headers, "Retry-After": String(seconds) },
  });
}
