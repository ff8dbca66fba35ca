/** The two kinds of records with duplicates: their tables, functions, reasons and short records. */
import type * as z from "zod";
import type { StoredRecords } from "../../_shared/records/records.ts";

/** What the operations on duplicates of one kind need. */
export interface DuplicateKind {
  /** The resource of the records. */
  of: StoredRecords<{ id: number }> & { title: string };
  /** The function of the database that returns the pairs. */
  pairs: string;
  /** The table of dismissed pairs, and its column with the two ids. */
  dismissals: { table: string; column: string };
  reasons: readonly [string, ...string[]];
  /** The schema of a whole record. */
  record: z.ZodObject;
  /** The fields of a record in a pair, and the view that has them. */
  shown: { view: string; record: z.ZodObject };
}
