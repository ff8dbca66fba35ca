/** SQL of users: the list, one user, the owner of a record, and the caller's profile. */
import type { Fragment, Sql } from "../../_shared/database/database.ts";
import { listing } from "../../_shared/list/list.ts";
import { found, invariant, Problem } from "../../_shared/problem.ts";
import { setColumns } from "../../_shared/records/records.ts";
import { members } from "../../_shared/schema.ts";
import { type Me, User } from "./schema.ts";

export const usersList = listing({
  relation: members,
  record: User,
  defaultSort: "first_name,id",
  search: { column: "search" },
});

/** The owner of the row `record` as one JSON value. */
export function ownerSql(sql: Sql): Fragment {
  return memberSql(sql, sql`record.sales_id`);
}

/** The name of the owner of the row `record`, for a CSV export. */
export function ownerName(sql: Sql): Fragment {
  return sql`select first_name || ' ' || last_name from sales where sales.id = record.sales_id`;
}

/**
 * The member with this id as one JSON value; null when there is none. That of an API key has `key_of`: who
 * made the key.
 */
export function memberSql(sql: Sql, id: Fragment): Fragment {
  return sql`
    select json_strip_nulls(to_json(member))
    from (
      select
        id,
        first_name,
        last_name,
        case when kind = 'key' then private.key_maker(id) end as key_of
      from sales
      where sales.id = ${id}
    ) as member`;
}

/** Returns one user of the workspace. Throws `Problem` `not_found`. */
export async function getUser(sql: Sql, id: number): Promise<User> {
  return found(await usersList.find(sql, id), "user");
}

/**
 * Returns one user. Locks the row until the end of the transaction when the caller may change it.
 * @throws Problem `not_found`.
 */
export async function lockUser(sql: Sql, id: number): Promise<User> {
  await sql`select from sales where id = ${id} for update`;
  return await getUser(sql, id);
}

/**
 * Sets columns of a user.
 * @throws Problem `admin_required` when row-level security refuses the change. That happens when the caller
 *   loses the role in the meantime.
 */
export async function setUser(sql: Sql, id: number, values: object): Promise<void> {
  if (Object.keys(values).length === 0) return;
  const { count } = await setColumns(sql, "sales", id, values);
  if (count > 0) return;
  throw new Problem("admin_required", "Ask an administrator to change other users.");
}

/** Returns the caller with workspace and permissions. */
export async function getMe(sql: Sql): Promise<Me> {
  const [row] = await sql<{ me: Me }[]>`
    select to_json(fields) as me
    from (
      select
        id, user_id, kind, email, first_name, last_name, avatar, role, administrator, disabled,
        -- Whoever calls has joined.
        'active' as status, created_at, updated_at,
        (
          select json_build_object('id', workspaces.id, 'name', workspaces.name)
          from workspaces
          where workspaces.id = (select private.workspace_id())
        ) as workspace,
        json_build_object(
          'manage_users', private.manages_members(),
          'manage_configuration', private.is_admin(),
          'manage_all_records', private.can_manage()
        ) as permissions
      from sales
      where id = (select private.member_id())
    ) as fields`;
  return invariant(row?.me, "The caller has no row in sales");
}
