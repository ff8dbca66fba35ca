/** What a growing workspace is asked for, and how long each answer takes in workspaces of each size. */

import type { Examples } from "./explain.ts";
import { quantile, sample, type Target } from "./load.ts";
import { COMMON_WORD, OCCASIONAL_WORD, RARE_WORD } from "./scaleRows.ts";
import type { Tenant } from "./seed.ts";

/** A kind of request. */
export interface Request {
  name: string;
  path: string;
  /** Asks for the page behind that of `path`. */
  nextPage?: boolean;
  /** What the largest workspace may take, in units of what the smallest takes. */
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
/** The board's columns hold a hundred times as many deals. */
const BOARD = 3;

/** All requests, about a workspace in whose middle `middle` lies; few contacts have the tag. */
export function requestsAround(
  middle: string,
  { email, companyId, tagId }: Pick<Examples, "email" | "companyId" | "tagId">,
): Request[] {
  const contacts = (query: string) => `/api/contacts?${query}`;
  return [
    { name: "contacts, first page", path: "/api/contacts", budget: KEYSET },
    {
      name: "contacts, a page behind half of them",
      path: contacts(`last_seen@lte=${encodeURIComponent(middle)}`),
      nextPage: true,
      budget: KEYSET,
    },
    {
      name: "contacts, second page by name",
      path: contacts("sort=last_name"),
      nextPage: true,
      budget: KEYSET,
    },
    { name: "contacts by status", path: contacts("status=hot"), budget: KEYSET },
    { name: "contacts of a company", path: contacts(`company_id=${companyId}`), budget: KEYSET },
    { name: "contact by e-mail", path: contacts(`email_jsonb=${email}`), budget: KEYSET },
    { name: "contacts with a rare tag", path: contacts(`tags@cs=${tagId}`), budget: KEYSET },
    { name: "contacts, a rare word", path: contacts(`q=${RARE_WORD}`), budget: SEARCH },
    {
      name: "contacts, a word of every 100th",
      path: contacts(`q=${OCCASIONAL_WORD}`),
      budget: SEARCH,
    },
    { name: "contacts, a word of every other", path: contacts(`q=${COMMON_WORD}`), budget: SEARCH },
    { name: "search, a rare word", path: `/api/search?q=${RARE_WORD}`, budget: SEARCH },
    {
      name: "search, a word of every 100th contact",
      path: `/api/search?q=${OCCASIONAL_WORD}`,
      budget: SEARCH,
    },
    {
      name: "search, a word of every other contact",
      path: `/api/search?q=${COMMON_WORD}`,
      budget: SEARCH,
    },
    { name: "search, misspelt", path: "/api/search?q=quilfeathr", budget: SEARCH },
    { name: "deals, first page", path: "/api/deals", budget: KEYSET },
    { name: "tasks, first page", path: "/api/tasks", budget: KEYSET },
    { name: "activity, first page", path: "/api/activity", budget: KEYSET },
    { name: "board", path: "/api/deals/board", budget: BOARD },
  ];
}

/** The request as the load generator sends it: for a next page, with a cursor that the API gave out. */
export async function targetOf(request: Request, port: number, tenant: Tenant): Promise<Target> {
  const headers = { Authorization: `Bearer ${tenant.token}` };
  if (!request.nextPage) return { port, path: request.path, headers };
  const response = await fetch(`http://127.0.0.1:${port}${request.path}`, { headers });
  const page: { next_cursor?: string } = await response.json();
  if (!page.next_cursor) throw new Error(`${request.path} has no next page: ${response.status}`);
  return { port, path: `${request.path}&cursor=${page.next_cursor}`, headers };
}

/** Latencies of the targets, asked one request at a time and in turn, for so long in each round. */
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
