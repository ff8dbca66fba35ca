/**
 * Finds the callers of API keys. The database tells once in a while whose key it is. That the key is
 * still valid, the opening statement of each transaction checks, so that a revoked key ends at once.
 */
import { type KeyStatus, parseKey, requireActive } from "./apiKeys.ts";
import type { Caller } from "./caller.ts";

/** The member of a key, as the database has it. */
export interface KeyOwner {
  user_id: string;
  key_status: KeyStatus;
}

/**
 * Reads the member of a key, and notes that the key is used. Undefined when no key has this hash.
 * `userId` is the member that the key had before, whose turn among the waiting requests it takes.
 */
export type FindKey = (hash: string, userId?: string) => Promise<KeyOwner | undefined>;

/** Returns the caller of an API key. Throws 401 with a code for each defect. */
export type AuthenticateKey = (key: string) => Promise<Caller>;

const REMEMBERED_KEYS = 2_000;
/** How long a key is not looked up again: as exactly as its last use is noted. */
const REMEMBERED_FOR_MS = 60_000;

interface Remembered {
  caller: Caller;
  until: number;
}

/** Creates the function that finds the callers of keys. */
export function createAuthenticateKey(find: FindKey): AuthenticateKey {
  const remembered = new Map<string, Remembered>();
  return async (key) => {
    const hash = await parseKey(key);
    const known = remembered.get(hash);
    if (known && Date.now() < known.until) return known.caller;
    remembered.delete(hash);
    const owner = await find(hash, known?.caller.userId);
    requireActive(owner?.key_status);
    const caller = callerOf(hash, owner?.user_id ?? "");
    if (remembered.size >= REMEMBERED_KEYS) remembered.clear();
    remembered.set(hash, { caller, until: Date.now() + REMEMBERED_FOR_MS });
    return caller;
  };
}

function callerOf(keyHash: string, userId: string): Caller {
  return { userId, credential: "key", keyHash, claims: { sub: userId, role: "authenticated" } };
}
