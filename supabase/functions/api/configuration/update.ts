/**
 * Changing the configuration by top-level keys. A stage with deals is removed only when `reassign_to` names
 * another stage for them. The deals move in the same transaction. Categories and other values may be
 * removed at any time, and records keep them.
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
    "Omitted keys keep their value; `null` resets a key to its default. A stage with deals is removed " +
    "only with `reassign_to`. Its keys may also be stages that deals have and the configuration lacks. " +
    "With `dry_run` nothing changes.",
  access: "member",
  allowed: "admin",
  ifMatch: true,
  dryRun: "body",
  body: ConfigurationPatch,
  example: { config: { title: "Analytical Engines", currency: "GBP" } },
  output: ConfigurationChange,
  problems: ["stage_in_use"],
  run: ({ sql, member }, { body, ifMatch }) => update(sql, member, body, ifMatch),
});

async function update(
  sql: Sql,
  member: Member,
  { config = {}, reassign_to = {} }: ConfigurationPatch,
  ifMatch?: string[],
): Promise<ConfigurationChange> {
  // Creating and moving deals take this lock too, so that no deal enters a removed stage.
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

/** Refuses stages in the changed lists that the configuration will not have. */
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
      if (stages.includes(from)) {
        return [[field, "This stage is not removed. Move its deals one by one."]];
      }
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

/**
 * Moves the deals out of the removed stages.
 * @returns stage → number of deals that it had.
 * @throws Problem `stage_in_use` when `reassignTo` lacks a stage with deals.
 */
async function reassignDeals(
  sql: Sql,
  removed: string[],
  reassignTo: Record<string, string>,
): Promise<Record<string, number>> {
  const counts = await countDeals(sql, [...new Set([...removed, ...Object.keys(reassignTo)])]);
  const missing = Object.entries(counts).filter(([stage]) => !Object.hasOwn(reassignTo, stage));
  if (missing.length > 0) throw stageInUse(Object.fromEntries(missing));
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
    group by stage
    order by stage`;
  return Object.fromEntries(rows.map(({ stage, count }) => [stage, count]));
}

function stageInUse(stages: Record<string, number>): Problem {
  const counted = Object.entries(stages).map(([stage, count]) => `${stage}: ${count}`).join(", ");
  const detail =
    `Stages with deals cannot be removed (${counted}). Use reassign_to to move the deals to other ` +
    "stages.";
  return new Problem("stage_in_use", detail, {
    errors: { "config.dealStages": detail },
    members: { stages },
  });
}

/** Moves the deals to the end of their new columns. The deals keep their order. */
async function moveDeals(sql: Sql, reassignTo: Record<string, string>): Promise<void> {
  const map = JSON.stringify(reassignTo);
  await sql`
    with targets as (
      select key as stage, value as target
      from jsonb_each_text(${map}::text::jsonb)
    ),
    target_sizes as (
      select stage, count(*) as count
      from deals
      where stage in (select target from targets) and archived_at is null
      group by stage
    )
    update deals
    set
      stage = targets.target,
      index = least(deals.index + coalesce(target_sizes.count, 0), ${
    sql.unsafe(String(MAXIMUM_INDEX))
  })::smallint
    from targets
    left join target_sizes on target_sizes.stage = targets.target
    where deals.stage = targets.stage`;
}
