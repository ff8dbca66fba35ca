/**
 * Changing the configuration, one top-level key at a time. A stage does not go while deals are in it:
 * they move to another stage with `reassign_to` in the same transaction, or the change is refused with
 * their number. Categories and other values may go: records that hold them keep them.
 */
import { arraySql, type Member, type Sql } from "../../_shared/database/database.ts";
import { write } from "../../_shared/operation.ts";
import { Problem } from "../../_shared/problem.ts";
import { requireMatch } from "../../_shared/records/records.ts";
import { arrange, lockBoard, MAXIMUM_INDEX } from "../deals/positions.ts";
import { getConfiguration, storeConfig } from "./queries.ts";
import {
  type ConfigPatch,
  type Configuration,
  ConfigurationChange,
  ConfigurationPatch,
} from "./schema.ts";

export const updateConfiguration = write({
  id: "configuration.update",
  method: "PATCH",
  path: "/configuration",
  summary: "Change the configuration",
  description:
    "Omitted keys keep their value; `null` sets a key back to its default. A stage with deals is " +
    "removed only with `reassign_to`, which also takes stages that only old deals have. With " +
    "`dry_run` nothing changes.",
  access: "member",
  allowed: "admin",
  ifMatch: true,
  dryRun: "body",
  body: ConfigurationPatch,
  example: { config: { title: "Analytical Engines", currency: "GBP" } },
  output: ConfigurationChange,
  problems: ["stage_in_use", "unknown_stage"],
  run: ({ sql, member }, { body, ifMatch }) => update(sql, member, body, ifMatch),
});

async function update(
  sql: Sql,
  member: Member,
  { config = {}, reassign_to = {} }: ConfigurationPatch,
  ifMatch?: string[],
): Promise<ConfigurationChange> {
  // Creating and moving deals take this lock too: nobody puts one into a stage that is going.
  await lockBoard(sql, member);
  const before = await getConfiguration(sql);
  requireMatch(before, ifMatch);
  await storeConfig(sql, config);
  const after = await getConfiguration(sql);
  const stages = stagesOf(after);
  requireKnownStages(config, stages);
  requireReassignable(reassign_to, stages);
  const removed = stagesOf(before).filter((stage) => !stages.includes(stage));
  const reassigned = await reassignDeals(sql, removed, reassign_to);
  return { ...after, reassigned };
}

function stagesOf({ config }: Configuration): string[] {
  return config.dealStages.map(({ value }) => value);
}

/** Lists of stages that are sent name only stages that there will be. */
function requireKnownStages(config: ConfigPatch, stages: string[]): void {
  const named = {
    dealPipelineStatuses: config.dealPipelineStatuses ?? [],
    "closedStages.won": config.closedStages?.won ?? [],
    "closedStages.lost": config.closedStages?.lost ?? [],
  };
  refuse(
    Object.entries(named)
      .filter(([, names]) => names.some((name) => !stages.includes(name)))
      .map(([field]) => [`config.${field}`, `Use only: ${stages.join(", ")}.`]),
  );
}

function requireReassignable(reassignTo: Record<string, string>, stages: string[]): void {
  refuse(
    Object.entries(reassignTo).flatMap(([from, to]) => {
      const field = `reassign_to.${from}`;
      if (stages.includes(from)) return [[field, "This stage stays. Move its deals one by one."]];
      return stages.includes(to) ? [] : [[field, `Use one of: ${stages.join(", ")}.`]];
    }),
  );
}

function refuse(errors: string[][]): void {
  if (errors.length === 0) return;
  const fields = errors.map(([field]) => field).join(", ");
  throw new Problem("validation_failed", `Correct ${fields}, then send the request again.`, {
    errors: Object.fromEntries(errors),
  });
}

/** Moves the deals out of stages that are gone; returns how many left each of them. */
async function reassignDeals(
  sql: Sql,
  removed: string[],
  reassignTo: Record<string, string>,
): Promise<Record<string, number>> {
  const counts = await countDeals(sql, [...new Set([...removed, ...Object.keys(reassignTo)])]);
  const left = Object.entries(counts).filter(([stage]) => !Object.hasOwn(reassignTo, stage));
  if (left.length > 0) throw stageInUse(Object.fromEntries(left));
  if (Object.keys(counts).length === 0) return {};
  await moveDeals(sql, reassignTo);
  await arrange(sql, [...new Set(Object.values(reassignTo))]);
  return counts;
}

async function countDeals(sql: Sql, stages: string[]): Promise<Record<string, number>> {
  const rows = await sql<{ stage: string; count: number }[]>`
    select stage, count(*)::float8 as count
    from deals
    where stage = any (${arraySql(sql, stages, "text")})
    group by stage`;
  return Object.fromEntries(rows.map(({ stage, count }) => [stage, count]));
}

function stageInUse(stages: Record<string, number>): Problem {
  const counted = Object.entries(stages).map(([stage, count]) => `${stage}: ${count}`).join(", ");
  const detail =
    `Deals are in stages that would go (${counted}). Name the stages that take them in ` +
    "reassign_to.";
  return new Problem("stage_in_use", detail, {
    errors: { "config.dealStages": detail },
    members: { stages },
  });
}

/** To the end of the columns that take them, in the order that they had. */
async function moveDeals(sql: Sql, reassignTo: Record<string, string>): Promise<void> {
  const map = JSON.stringify(reassignTo);
  await sql`
    with targets as (
      select key as stage, value as target
      from jsonb_each_text(${map}::text::jsonb)
    ),
    taken as (
      select stage, count(*) as count
      from deals
      where stage in (select target from targets) and archived_at is null
      group by stage
    )
    update deals
    set
      stage = targets.target,
      index = least(deals.index + coalesce(taken.count, 0), ${
    sql.unsafe(String(MAXIMUM_INDEX))
  })::smallint
    from targets
    left join taken on taken.stage = targets.target
    where deals.stage = targets.stage`;
}
