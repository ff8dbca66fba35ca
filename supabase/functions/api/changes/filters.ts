/** The list parameters `table` and `record`: changes of a table, and of one record. */
import * as z from "zod";
import type { ListFilters } from "../../_shared/list/list.ts";

const RECORD = /^([a-z_]{1,63})\/([1-9]\d{0,15})$/;

export const changeFilters: ListFilters = {
  table: {
    schema: z.string().regex(/^[a-z_]{1,63}$/, "Use the name of a table, such as contacts."),
    description: "Only changes of records of this table, such as `contacts`.",
    condition: (sql, { table = "" }) => sql`record.touched ? ${table}`,
  },
  record: {
    schema: z.string().regex(RECORD, "Use a table and an id, such as contacts/12."),
    description: "Only changes of this record, such as `contacts/12`.",
    condition: (sql, { record = "" }) => {
      const [, table = "", id = "0"] = RECORD.exec(record) ?? [];
      return sql`
        record.id in (
          select change_id from audit_log where table_name = ${table} and record_id = ${id}::bigint
        )`;
    },
  },
};
