/**
 * `due` of a list of tasks: open tasks by day, where a day is one of a time zone. Days are worked out by
 * Postgres, which knows that some of them have 23 or 25 hours.
 */
import * as z from "zod";
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import type { ListFilters } from "../../_shared/list/list.ts";

const DUE = ["overdue", "today", "week", "none"] as const;

const timeZone = z.string().refine(isTimeZone, "Use a time zone such as Europe/Paris or UTC.");

export const dueFilters: ListFilters = {
  due: {
    schema: z.enum(DUE, `Use one of: ${DUE.join(", ")}.`),
    description:
      "Open tasks alone: due before today, today, today or in the six days after it, or without a day.",
    condition: (sql, { due, time_zone = "UTC" }) => dueSql(sql, due, time_zone),
  },
  time_zone: {
    schema: timeZone,
    description: "IANA time zone of the days that `due` is about; UTC without it.",
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

/** The moment at which the day that comes so many days after today begins in the zone. */
function dayStart(sql: Sql, zone: string, days: number): Fragment {
  return sql`
    ((date_trunc('day', now() at time zone ${zone}) + make_interval(days => ${days}::integer))
      at time zone ${zone})`;
}

/** Names alone: offsets such as `+02:00` mean the opposite in Postgres. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]{1,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
