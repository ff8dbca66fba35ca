/** The search over contacts, companies, deals and notes. One statement does it. */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { arrayText, numberText, recordId } from "../../_shared/fields.ts";
import { runSearch, searchWords } from "../../_shared/list/list.ts";
import { JsonText, type Operation, read } from "../../_shared/operation.ts";

const KINDS = ["contacts", "companies", "deals", "contact_notes", "deal_notes"] as const;
const DEFAULT_LIMIT = 10;
const MAXIMUM_LIMIT = 20;

const SearchQuery = z.object({
  q: searchWords(200).default("").describe("At most six words to search for."),
  kinds: arrayText(z.array(z.enum(KINDS)).min(1)).optional()
    .describe("Kinds of records to search. Default: all."),
  limit: numberText(z.int().min(1).max(MAXIMUM_LIMIT)).default(DEFAULT_LIMIT),
});

const SearchHit = z.object({
  kind: z.enum(KINDS),
  id: recordId,
  title: z.string().nullable(),
  subtitle: z.string().nullable(),
  rank: z.number().describe("Higher is better. Comparable between hits with the same `matched`."),
  matched: z.enum(["words", "similar"])
    .describe(
      "`words`: the record contains every word. `similar`: it contains words of similar spelling.",
    ),
  contact_id: recordId.optional().describe("The contact of a note."),
  deal_id: recordId.optional().describe("The deal of a note."),
}).meta({ id: "SearchHit" });

const search = read({
  id: "search.all",
  method: "GET",
  path: "/search",
  summary: "Search all records",
  description:
    "A record must contain every word of `q`, which has at most six. A word matches as a prefix, without case and " +
    "accents. Contacts, companies and deals of similar spelling follow when fewer than five records of " +
    "their kind contain the words. Returns at most `limit` records of each kind, best first. For words " +
    "that more than 1,000 records (or 200 notes) contain, it ranks only the newest. Of a long text, the " +
    "first 10,000 characters are searched.",
  access: "member",
  query: SearchQuery,
  output: z.object({ data: z.array(SearchHit) }),
  problems: ["search_too_slow"],
  run: async ({ sql }, { query: { q, kinds = KINDS, limit } }) => {
    const tables = arraySql(sql, [...new Set(kinds)], "text");
    const [row] = await runSearch(sql, async () =>
      await sql<{ hits: string }[]>`
        select private.search_records(${q}, ${tables}, ${limit}::integer)::text as hits`);
    return new JsonText(`{"data":${row?.hits ?? "[]"}}`);
  },
});

export const operations: readonly Operation[] = [search];
