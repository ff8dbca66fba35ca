-- deals_summary: deals with company_name and nb_notes; contact_ids is a list, also where none is stored.

create view public.deals_summary
with (security_invoker = on)
as
select
  d.id,
  d.name,
  d.company_id,
  coalesce(d.contact_ids, '{}') as contact_ids,
  d.category,
  d.stage,
  d.description,
  d.amount,
  d.created_at,
  d.updated_at,
  d.archived_at,
  d.expected_closing_date,
  d.sales_id,
  d.index,
  d.closed_at,
  c.name as company_name,
  (
    select count(*)
    from public.deal_notes n
    where n.workspace_id = d.workspace_id and n.deal_id = d.id
  ) as nb_notes,
  d.search
from public.deals d
left join public.companies c on c.workspace_id = d.workspace_id and c.id = d.company_id;
comment on view public.deals_summary is 'Deals with their company''s name and the number of their notes.';

grant select on public.deals_summary to authenticated;
