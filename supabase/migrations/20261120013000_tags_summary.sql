-- Tags with how many contacts carry them, and the replacement of tags by another one.
--
-- Views      tags_summary: tags with nb_contacts and a search vector
-- Functions  private.count_tagged_contacts(tag_id), private.replace_tags(winner_id, loser_ids)
--
-- Under row level security PostgreSQL cannot look an array's element up in its index (see search), so
-- both functions do it themselves, in the caller's workspace only.

create function private.count_tagged_contacts(p_tag_id bigint)
returns bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  return (
    select count(*)
    from public.contacts c
    where c.workspace_id = caller_workspace
      and c.tags operator(pg_catalog.@>) array[p_tag_id]
  );
end
$$;
comment on function private.count_tagged_contacts(bigint) is 'How many of the caller''s contacts carry the tag.';

create function private.replace_tags(p_winner_id bigint, p_loser_ids bigint[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
begin
  update public.contacts c
  set tags = (
    select array_agg(mapped.id order by mapped.position)
    from (
      select
        case when held.id = any (p_loser_ids) then p_winner_id else held.id end as id,
        min(held.position) as position
      from unnest(c.tags) with ordinality as held (id, position)
      group by 1
    ) as mapped
  )
  where c.workspace_id = caller_workspace
    and c.tags operator(pg_catalog.&&) p_loser_ids;
end
$$;
comment on function private.replace_tags(bigint, bigint[]) is
  'Puts the winner in the place of the first of its tags that each of the caller''s contacts carries.';

revoke all on function
  private.count_tagged_contacts(bigint), private.replace_tags(bigint, bigint[])
  from public;
grant execute on function
  private.count_tagged_contacts(bigint), private.replace_tags(bigint, bigint[])
  to authenticated;

create view public.tags_summary
with (security_invoker = on)
as
select
  t.id,
  t.name,
  t.color,
  private.count_tagged_contacts(t.id) as nb_contacts,
  t.created_at,
  t.updated_at,
  private.search_vector(t.name, null, null, null) as search
from public.tags t;
comment on view public.tags_summary is 'Tags with the number of contacts that carry them.';

revoke all on public.tags_summary from anon, authenticated;
grant select on public.tags_summary to authenticated;
