/**
 * Undo: takes back what a change did, in one transaction and with the caller's rights. The undo is
 * a change itself, so undoing it repeats the first change. The database does the work:
 * `private.undo_change` in the migrations.
 */
import * as z from "zod";
import type { Sql } from "../../_shared/database/database.ts";
import { write } from "../../_shared/operation.ts";
import { invariant, Problem } from "../../_shared/problem.ts";
import { type Conflict, UndoInput, Undone } from "./schema.ts";

/** Conflicts that an answer shows. */
const SHOWN_CONFLICTS = 100;

export const changeParams = z.object({ id: z.uuid("Use the id of a change.") });

export const undo = write({
  id: "changes.undo",
  method: "POST",
  path: "/changes/:id/undo",
  summary: "Undo a change",
  description:
    "Records that the change created move to the trash, deleted and merged ones come back with " +
    "their ids, and changed fields return to their former values. A change can be undone for 30 " +
    "days. Undoing the undo repeats the change.",
  access: "member",
  allowed: "owner",
  dryRun: "body",
  params: changeParams,
  body: UndoInput,
  example: { on_conflict: "refuse", dry_run: true },
  output: Undone,
  problems: [
    "already_undone",
    "undo_expired",
    "undo_conflict",
    "restore_not_allowed",
    "owner_change_not_allowed",
    "admin_required",
    "member_change_not_allowed",
    "last_admin",
    "unknown_reference",
  ],
  run: ({ sql }, { params, body }) => undoChange(sql, params.id, body),
});

type Result = { conflicts: Conflict[] } | {
  conflicts?: undefined;
  undo_id: string | null;
  restored: Record<string, number>;
  changed: Record<string, number>;
  deleted: Record<string, number>;
  kept: Conflict[];
};

/**
 * Undoes a change.
 * @throws Problem `not_found`, `already_undone`, `undo_expired`, `undo_conflict`, `forbidden`,
 *   `restore_not_allowed`, `admin_required`.
 */
export async function undoChange(
  sql: Sql,
  id: string,
  { on_conflict, dry_run = false }: UndoInput,
): Promise<Undone> {
  const [row] = await sql<{ result: Result }[]>`
    select private.undo_change(${id}::uuid, ${on_conflict}) as result`;
  const { result } = invariant(row, "An undo returned no row");
  if (result.conflicts) throw undoConflict(result.conflicts, on_conflict);
  const { undo_id, restored, changed, deleted, kept } = result;
  return { change_id: dry_run ? null : undo_id, restored, changed, deleted, kept, dry_run };
}

function undoConflict(conflicts: Conflict[], onConflict: UndoInput["on_conflict"]): Problem {
  const detail = onConflict === "revert"
    ? "Some records cannot return. Send on_conflict: keep to undo the rest."
    : "Something changed since. Undo the later changes first, or send on_conflict: keep to leave " +
      "the listed fields and records as they are, or revert to take them back too.";
  return new Problem("undo_conflict", detail, {
    members: {
      conflicts: conflicts.slice(0, SHOWN_CONFLICTS),
      number_of_conflicts: conflicts.length,
    },
  });
}
