/**
 * Rate limit: so many requests per caller and minute over all isolates. The count is kept in Postgres;
 * an isolate leases some requests at a time, so that most requests cost no round trip. Leases begin small
 * and double, so that a caller whose requests reach many isolates does not lose the quota to their leases.
 * Source of the headers: draft-ietf-httpapi-ratelimit-headers-11.
 */
import type { Database, Lease } from "../database/database.ts";
import { Problem } from "../problem.ts";

export interface RateLimiter {
  /** The headers for an answer to this caller; throws `rate_limited` when nothing is left. */
  take(key: string): Promise<Record<string, string>>;
}

const WINDOW_SECONDS = 60;
/** Share of the limit in an isolate's first lease of a window, and in the largest. */
const FIRST_SHARE = 1 / 200;
const LARGEST_SHARE = 1 / 20;
const REMEMBERED_LEASES = 5_000;

/** A limiter of `limit` requests per minute; 0 lets everything through. */
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
    const lease = database.lease(key, size, limit, WINDOW_SECONDS);
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
      // Of many requests at once, those that the renewed lease has no room for renew it again.
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

/** A lease with nothing left in its window stays: asking again would not help before the window ends. */
function isSpent(lease: Lease): boolean {
  return lease.left <= 0 && lease.remaining > 0;
}

/** Requests that find a lease spent at the same time share the next one. */
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
    // Unless somebody else has asked for the next one meanwhile.
    if (leases.get(key) === current) return await renew(key);
  }
}

function limited(seconds: number, headers: Record<string, string>): Problem {
  return new Problem("rate_limited", `Wait ${seconds} seconds, then send the request again.`, {
    headers: { ...headers, "Retry-After": String(seconds) },
  });
}
