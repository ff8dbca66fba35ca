/** What a list is made of, as the parts of `listing.ts` share it. */
import type { Column } from "./columns.ts";
import type { Fragment, Sql } from "./database.ts";
import type { ListFilters } from "./listingFilters.ts";
import type { SortKey } from "./listingQuery.ts";

/** `column` holds the search vector; `table` is the kind that `private.few_matches` finds by. */
export interface Search {
  column: string;
  table?: string;
}

/** A cell of an export: a column of the relation, or an expression of type text about the row `record`. */
export type CsvCell = string | ((sql: Sql) => Fragment);

export interface Source {
  /** Name of the table or view. */
  name: string;
  columns: Record<string, Column>;
  /** What one record shows without `select`. */
  fields: string[];
  defaultSort: SortKey[];
  search?: Search;
  elementKeys?: Record<string, string>;
  filters?: ListFilters;
  include?: Record<string, (sql: Sql) => Fragment>;
  csv?: Record<string, CsvCell>;
}
