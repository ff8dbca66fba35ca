/**
 * The words of a search. Their number is limited, because Postgres compares each of them with many
 * records.
 */
import * as z from "zod";
import { databaseProblem, type Sql, withStatementTimeout } from "../database/database.ts";
import { Problem } from "../problem.ts";

const MAXIMUM_WORDS = 6;
/** Punctuation separates the parts of a word: an address such as `a.b@c.example` has four. */
const MAXIMUM_PARTS = 12;
/** Limit of each statement of a search. */
const SEARCH_TIMEOUT_MS = 2_000;

/** Returns what is wrong with the words of a search, or undefined. */
export function wordsError(text: string): string | undefined {
  const words = distinct(text.split(/[\s,;]+/).filter((word) => /[\p{L}\p{N}]/u.test(word)));
  if (words.size > MAXIMUM_WORDS) return `Search for at most ${MAXIMUM_WORDS} words.`;
  const parts = distinct(text.split(/[^\p{L}\p{M}\p{N}]+/u).filter((part) => part !== ""));
  if (parts.size <= MAXIMUM_PARTS) return undefined;
  return `Search for at most ${MAXIMUM_PARTS} words that spaces or punctuation separate.`;
}

function distinct(words: string[]): Set<string> {
  return new Set(words.map((word) => word.toLowerCase()));
}

/** Returns the schema of a parameter with the words of a search, of at most `length` characters. */
export function searchWords(length: number) {
  return z.string().trim().max(length).transform((text) => text.replaceAll("\0", " "))
    .superRefine((text, context) => {
      const message = wordsError(text);
      if (message) context.addIssue({ code: "custom", message });
    });
}

/**
 * Runs the statements of a search, each with a limit of two seconds.
 * @throws Problem `search_too_slow` when one of them takes longer.
 */
export async function runSearch<Value>(sql: Sql, work: () => Promise<Value>): Promise<Value> {
  try {
    return await withStatementTimeout(sql, SEARCH_TIMEOUT_MS, work);
  } catch (error) {
    const problem = databaseProblem(error);
    if (!(problem instanceof Problem) || problem.code !== "database_timeout") throw error;
    const detail = "Search for fewer or longer words.";
    throw new Problem("search_too_slow", detail, { errors: { q: detail }, cause: error });
  }
}
