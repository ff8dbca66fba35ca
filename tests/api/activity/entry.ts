/** An entry of the activity, as the tests read it. */

/** One change of a record. */
export interface Entry {
  id: number;
  table_name: string;
  record_id: number;
  action: string;
  changes: Record<string, { before: unknown; after: unknown }>;
  member_id: number | null;
  request_id: string | null;
}
