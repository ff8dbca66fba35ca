/**
 * The board: the configured stages in their order, then the other stages that deals have. Each stage has its
 * first deals, the number of its deals and the sum of their amounts. One statement returns all as JSON.
 */
import * as z from "zod";
import {
  commaSeparated,
  type Fragment,
  joined,
  type Sql,
} from "../../_shared/database/database.ts";
import { numberText, recordId } from "../../_shared/fields.ts";
import { runSearch, searchWords } from "../../_shared/list/list.ts";
import { JsonText, read } from "../../_shared/operation.ts";
import { invariant } from "../../_shared/problem.ts";
import { ownerSql } from "../users/queries.ts";
import { MemberReference } from "../users/schema.ts";
import { deals } from "./queries.ts";
import { Deal } from "./schema.ts";

const DEFAULT_LIMIT = 50;
const MAXIMUM_LIMIT = 200;

const text = z.string().max(500);

const BoardQuery = z.object({
  limit: numberText(z.int().min(1).max(MAXIMUM_LIMIT)).optional()
    .describe(`Maximum number of deals per stage. Default: ${DEFAULT_LIMIT}.`),
  company_id: numberText(recordId).optional().describe("Deals of this company only."),
  category: text.optional().describe("Deals of this category only."),
  sales_id: numberText(recordId).optional().describe("Id of the owner."),
  q: searchWords(500).optional().describe(
    "At most six search words. A deal must contain all of them; each matches as a prefix.",
  ),
});
type BoardQuery = z.output<typeof BoardQuery>;

const Column = z.object({
  stage: z.string(),
  label: z.string(),
  configured: z.boolean().describe(
    "`false` for a stage that deals have and the configuration lacks.",
  ),
  count: z.int().describe("Number of all deals in the column."),
  amount: z.number().describe("Sum of the amounts of all deals in the column."),
  deals: z.array(Deal.extend({ owner: MemberReference })),
}).meta({ id: "BoardColumn" });

const Board = z.object({
  currency: z.string(),
  data: z.array(Column),
}).meta({ id: "Board" });

export const dealsBoard = read({
  id: "deals.board",
  method: "GET",
  path: "/deals/board",
  summary: "Get the board",
  description:
    "The deals that are not archived, by stage and position, with their number and the sum of their " +
    "amounts. To read a long column: `GET /deals?stage=…&archived_at=is.null&sort=index`.",
  access: "member",
  query: BoardQuery,
  output: Board,
  problems: ["search_too_slow"],
  run: ({ sql }, { query }) =>
    query.q ? runSearch(sql, () => readBoard(sql, query)) : readBoard(sql, query),
});

async function readBoard(sql: Sql, query: BoardQuery): Promise<JsonText> {
  const { live, totals, firstIds } = columnsSql(sql, query);
  const [row] = await sql<{ board: string }[]>`
    with settings as (
      select private.effective_configuration(config) as config from configuration
    ),
    configured as (${configuredSql(sql)}),
    live as materialized (${live}),
    totals as (${totals}),
    board_columns as (
      select
        coalesce(configured.stage, totals.stage) as stage,
        coalesce(configured.label, configured.stage, totals.stage) as label,
        configured.stage is not null as configured,
        coalesce(totals.count, 0) as count,
        coalesce(totals.amount, 0) as amount,
        configured.position
      from configured
      full join totals on totals.stage = configured.stage
    )
    select json_build_object(
      'currency', settings.config ->> 'currency',
      'data', (select coalesce(${columnsJson(sql, firstIds)}, '[]') from board_columns)
    )::text as board
    from settings`;
  return new JsonText(invariant(row, "The board returned no row").board);
}

/** The stages of the configuration `settings`, with their positions. */
function configuredSql(sql: Sql): Fragment {
  return sql`
    select
      stage.value ->> 'value' as stage,
      min(stage.value ->> 'label') as label,
      min(stage.position) as position
    from settings
    cross join lateral jsonb_array_elements(settings.config -> 'dealStages')
      with ordinality as stage (value, position)
    where stage.value ->> 'value' is not null
    group by 1`;
}

/** The rows of `board_columns` as one JSON array, configured stages first. */
function columnsJson(sql: Sql, firstIds: Fragment): Fragment {
  return sql`
    json_agg(
      json_build_object(
        'stage', stage,
        'label', label,
        'configured', configured,
        'count', count,
        'amount', amount,
        'deals', (${dealsSql(sql, firstIds)})
      )
      order by position nulls last, stage
    )`;
}

/**
 * Three queries: the live deals that match the filters, the totals by stage, and the ids of the first deals
 * of the row `board_columns`. Without filters the last two read the table of positions.
 */
function columnsSql(sql: Sql, query: BoardQuery) {
  // A literal instead of a parameter, so that the planner knows the limit.
  const limit = sql.unsafe(String(query.limit ?? DEFAULT_LIMIT));
  const conditions = filtersSql(sql, query);
  if (conditions.length === 0) {
    return {
      live: sql`select where false`,
      totals: sql`select stage, count, amount from private.board_totals()`,
      firstIds: sql`select private.board_deal_ids(board_columns.stage, ${limit}) as id`,
    };
  }
  return {
    live: sql`
      select record.id, record.stage, record.index, record.amount
      from deals as record
      where record.archived_at is null and ${joined(sql, conditions, sql` and `)}`,
    totals: sql`
      select stage, count(*) as count, coalesce(sum(amount), 0) as amount
      from live
      group by stage`,
    firstIds: sql`
      select live.id
      from live
      where live.stage = board_columns.stage
      order by live.index, live.id
      limit ${limit}`,
  };
}

function filtersSql(sql: Sql, { company_id, category, sales_id, q = "" }: BoardQuery): Fragment[] {
  const conditions: Fragment[] = [];
  if (company_id !== undefined) conditions.push(sql`record.company_id = ${company_id}`);
  if (category !== undefined) conditions.push(sql`record.category = ${category}`);
  if (sales_id !== undefined) conditions.push(sql`record.sales_id = ${sales_id}`);
  if (q.trim() !== "") {
    conditions.push(sql`record.id in (select private.search_ids('deals', ${q}))`);
  }
  return conditions;
}

/** The deals with these ids as one JSON array, by position. */
function dealsSql(sql: Sql, ids: Fragment): Fragment {
  const fields = deals.list.parameters.fields.map((name) => sql`record.${sql(name)}`);
  return sql`
    select coalesce(json_agg(to_json(deal) order by deal.index, deal.id), '[]')
    from (${ids}) as ids
    cross join lateral (
      select ${commaSeparated(sql, fields)}, (${ownerSql(sql)}) as owner
      from deals_summary as record
      where record.id = ids.id
    ) as deal`;
}
