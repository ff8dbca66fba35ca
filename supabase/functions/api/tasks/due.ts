/**
 * The list parameter `due`: open tasks by day in a time zone. Postgres computes the days, because some have
 * 23 or 25 hours.
 */
import * as z from "zod";
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import type { ListFilters } from "../../_shared/list/list.ts";

const DUE = ["overdue", "today", "week", "none"] as const;

const timeZone = z.string().refine(
  isTimeZone,
  "Use an IANA time zone such as Europe/Paris or UTC.",
);

export const dueFilters: ListFilters = {
  due: {
    schema: z.enum(DUE, `Use one of: ${DUE.join(", ")}.`),
    description:
      "Only open tasks. `overdue`: due before today. `today`: due today. `week`: due today or in the " +
      "next six days. `none`: without a due date.",
    condition: (sql, { due, time_zone = "UTC" }) => dueSql(sql, due, time_zone),
  },
  time_zone: {
    schema: timeZone,
    description: "IANA time zone for the days of `due`. Default: UTC.",
  },
};

function dueSql(sql: Sql, due: string | undefined, zone: string): Fragment {
  const today = dayStart(sql, zone, 0);
  const open = sql`record.done_date is null`;
  switch (due) {
    case "overdue":
      return sql`${open} and record.due_date < ${today}`;
    case "today":
      return sql`${open} and record.due_date >= ${today} and record.due_date < ${
        dayStart(sql, zone, 1)
      }`;
    case "week":
      return sql`${open} and record.due_date >= ${today} and record.due_date < ${
        dayStart(sql, zone, 7)
      }`;
    default:
      return sql`${open} and record.due_date is null`;
  }
}

/** The start of a day in the zone; `days` is the number of days from today. */
function dayStart(sql: Sql, zone: string, days: number): Fragment {
  return sql`
    ((date_trunc('day', now() at time zone ${zone}) + make_interval(days => ${days}::integer))
      at time zone ${zone})`;
}

/** Refuses offsets such as `+02:00`, because Postgres reads their sign the other way round. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]{1,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
