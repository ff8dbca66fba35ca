/** One search over contacts, companies, deals and notes, in one statement. */
import * as z from "zod";
import { arraySql } from "../../_shared/database/database.ts";
import { recordId } from "../../_shared/fields.ts";
import { JsonText, type Operation, read } from "../../_shared/operation.ts";

const KINDS = ["contacts", "companies", "deals", "contact_notes", "deal_notes"] as const;
const MAXIMUM = 20;

const SearchQuery = z.object({
  q: z.string().trim().max(200).transform((text) => text.replaceAll("\0", " ")).default(""),
  kinds: z.preprocess(
    (value) => typeof value === "string" ? value.split(",").map((kind) => kind.trim()) : value,
    z.array(z.enum(KINDS)).min(1),
  ).optional(),
  limit: z.preprocess(
    (value) => typeof value === "string" && /^\d{1,3}$/.test(value) ? Number(value) : value,
    z.int().min(1).max(MAXIMUM),
  ).default(10),
});

const SearchHit = z.object({
  kind: z.enum(KINDS),
  id: recordId,
  title: z.string().nullable(),
  subtitle: z.string().nullable(),
  rank: z.number().describe("Comparable among hits of one `matched`."),
  matched: z.enum(["words", "similar"])
    .describe("`words`: every word occurs; `similar`: every word is spelt nearly like one."),
  contact_id: recordId.optional().describe("Of a contact's note."),
  deal_id: recordId.optional().describe("Of a deal's note."),
}).meta({ id: "SearchHit" });

const search = read({
  id: "search.all",
  method: "GET",
  path: "/search",
  summary: "Search all records",
  description: "Every word must occur, as a prefix, in any spelling of accents and case. Where " +
    "words find fewer than five records of a kind, contacts, companies and deals of a similar " +
    `spelling follow. At most \`limit\` (10, at most ${MAXIMUM}) of each kind, best first; of ` +
    "words that occur in more than 1,000 records the newest are looked at.",
  access: "member",
  query: SearchQuery,
  output: z.object({ data: z.array(SearchHit) }),
  run: async ({ sql }, { query: { q, kinds = KINDS, limit } }) => {
    const wanted = arraySql(sql, [...new Set(kinds)], "text");
    const [row] = await sql<{ hits: string }[]>`
      select private.search_records(${q}, ${wanted}, ${limit}::integer)::text as hits`;
    return new JsonText(`{"data":${row?.hits ?? "[]"}}`);
  },
});

export const operations: readonly Operation[] = [search];
