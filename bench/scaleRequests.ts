/** Requests to a growing workspace, and their latencies in workspaces of each size. */

import type { Examples } from "./explain.ts";
import { quantile, sample, type Target } from "./load.ts";
import { COMMON_WORD, OCCASIONAL_WORD, RARE_WORD } from "./scaleRows.ts";
import type { Tenant } from "./seed.ts";

/** A kind of request. */
export interface Request {
  name: string;
  path: string;
  /** Whether to request the page after that of `path`. */
  nextPage?: boolean;
  /** The largest allowed ratio of p50, of the largest workspace to the smallest. */
  budget?: number;
}

/** Milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
  requests: number;
}

const KEYSET = 1.3;
const SEARCH = 2;
/** For the board: its columns hold a hundred times as many deals. */
const BOARD = 3;

/** Values in the requests of a workspace. */
type Named = Pick<Examples, "email" | "companyId" | "tagId">;

/** All requests. `middle` is the `last_seen` in the middle of the workspace; few contacts have the tag. */
export function requestsAround(middle: string, named: Named): Request[] {
  return [
    ...contactRequests(middle, named),
    ...searchRequests(),
    { name: "deals, first page", path: "/api/deals", budget: KEYSET },
    { name: "tasks, first page", path: "/api/tasks", budget: KEYSET },
    { name: "activity, first page", path: "/api/activity", budget: KEYSET },
    { name: "board", path: "/api/deals/board", budget: BOARD },
  ];
}

function contactRequests(middle: string, { email, companyId, tagId }: Named): Request[] {
  const list = (name: string, query: string) => ({
    name,
    path: `/api/contacts${query}`,
    budget: KEYSET,
  });
  const half = `?last_seen@lte=${encodeURIComponent(middle)}`;
  return [
    list("contacts, first page", ""),
    { ...list("contacts, a page after half of them", half), nextPage: true },
    { ...list("contacts, second page by name", "?sort=last_name"), nextPage: true },
    list("contacts by status", "?status=hot"),
    list("contacts of a company", `?company_id=${companyId}`),
    list("contact by e-mail", `?email_jsonb=${email}`),
    list("contacts with a rare tag", `?tags@cs=${tagId}`),
  ];
}

function searchRequests(): Request[] {
  const list = (name: string, word: string) => ({
    name,
    path: `/api/contacts?q=${word}`,
    budget: SEARCH,
  });
  const search = (name: string, word: string) => ({
    name,
    path: `/api/search?q=${word}`,
    budget: SEARCH,
  });
  return [
    list("contacts, a rare word", RARE_WORD),
    list("contacts, a word of every 100th", OCCASIONAL_WORD),
    list("contacts, a word of every other", COMMON_WORD),
    search("search, a rare word", RARE_WORD),
    search("search, a word of every 100th contact", OCCASIONAL_WORD),
    search("search, a word of every other contact", COMMON_WORD),
    search("search, misspelt", "quilfeathr"),
  ];
}

/** The request for the load generator. For a next page it has a cursor that the API returned. */
export async function targetOf(request: Request, port: number, tenant: Tenant): Promise<Target> {
  const headers = { Authorization: `Bearer ${tenant.token}` };
  if (!request.nextPage) return { port, path: request.path, headers };
  const response = await fetch(`http://127.0.0.1:${port}${request.path}`, { headers });
  const page: { next_cursor?: string } = await response.json();
  if (!page.next_cursor) throw new Error(`${request.path} has no next page: ${response.status}`);
  return { port, path: `${request.path}&cursor=${page.next_cursor}`, headers };
}

/** Latencies of the targets. Sends one request at a time to each target in turn, for `milliseconds` in
 * each round. */
export async function measureInTurn(
  targets: Target[],
  rounds: number,
  milliseconds: number,
): Promise<Latency[]> {
  const latencies: number[][] = targets.map(() => []);
  for (const target of targets) await sample(target, 1, milliseconds / 2);
  for (let round = 0; round < rounds; round++) {
    for (const [index, target] of targets.entries()) {
      latencies[index]?.push(...await sample(target, 1, milliseconds));
    }
  }
  return latencies.map((values) => {
    values.sort((a, b) => a - b);
    return {
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      requests: values.length,
    };
  });
}
