/** The outcome of each record of a bulk, in the order of the request. */
import { Reply } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import type { Draft } from "../imports/convert.ts";
import type { Assignment, Target } from "../imports/targets.ts";
import type { RecordOutcome, RecordsInput } from "./schema.ts";

/** What became of the drafts of a request. */
export interface Work {
  drafts: Draft[];
  assigned: Assignment;
  /** The targets that were written. */
  written: Set<Target>;
}

/**
 * Returns the answer, with 207 when the input is partial.
 * @throws Problem `records_rejected` when a record was rejected and the input is not partial.
 */
export function replyOf(work: Work, input: RecordsInput): Reply {
  requireAll(work.drafts, input, work.assigned);
  const targets = targetsOf(work.assigned);
  const data = work.drafts.map((draft) => outcomeOf(draft, targets.get(draft), work, input));
  const count = (outcome: RecordOutcome["outcome"]) =>
    data.filter((each) => each.outcome === outcome).length;
  const counts = {
    requested: data.length,
    created: count("created"),
    updated: count("updated"),
    skipped: count("skipped"),
    rejected: count("rejected"),
  };
  const { partial, dry_run = false } = input;
  return new Reply({ data, counts, dry_run }, partial ? { status: 207 } : {});
}

/** Throws `records_rejected` when a draft has an error, unless the input is partial. */
export function requireAll(
  drafts: Draft[],
  { partial }: RecordsInput,
  assigned: Assignment = { targets: [], left: new Map() },
): void {
  if (partial) return;
  const targets = targetsOf(assigned);
  const rejected = drafts.filter(isRejected)
    .map((draft) => rejection(draft, targets.get(draft)?.stored?.id));
  if (rejected.length === 0) return;
  const errors = rejected.flatMap(({ index, detail, errors = {} }) => {
    const fields = Object.entries(errors);
    return fields.length === 0
      ? [[`records.${index}`, detail]]
      : fields.map(([field, message]) => [`records.${index}.${field}`, message]);
  });
  const detail =
    `Correct ${rejected.length} of ${drafts.length} records, or send \`partial: true\` ` +
    "to leave them out. Nothing has changed.";
  throw new Problem("records_rejected", detail, {
    errors: Object.fromEntries(errors),
    members: { rejected },
  });
}

function isRejected({ errors }: Draft): boolean {
  return errors.length > 0;
}

function targetsOf({ targets, left }: Assignment): Map<Draft, Target> {
  const written = targets.flatMap((target) => target.rows.map((row) => [row, target] as const));
  return new Map([...written, ...left]);
}

function outcomeOf(
  draft: Draft,
  target: Target | undefined,
  { written }: Work,
  { dry_run }: RecordsInput,
): RecordOutcome {
  const { number: index } = draft;
  if (isRejected(draft)) return rejection(draft, target?.stored?.id);
  const { stored, rows = [], id } = target ?? {};
  const isWritten = target !== undefined && rows.includes(draft) && written.has(target);
  const isNew = isWritten && !stored && rows.find((row) => !isRejected(row)) === draft;
  return {
    index,
    outcome: isNew ? "created" : isWritten ? "updated" : "skipped",
    status: isNew ? 201 : 200,
    id: stored?.id ?? (dry_run ? null : id ?? null),
  };
}

function rejection({ number: index, errors }: Draft, id: number | undefined): RecordOutcome {
  const [first] = errors;
  const code = first?.code ?? "validation_failed";
  const fields = errors.flatMap(({ field, reason }) =>
    field === undefined ? [] : [[field, reason]]
  );
  return {
    index,
    outcome: "rejected",
    status: new Problem(code, "").status,
    id: id ?? null,
    code,
    detail: first?.reason ?? "",
    ...(fields.length > 0 && { errors: Object.fromEntries(fields) }),
  };
}
