-- Summaries: views that join several aggregates. The columns of Atomic CRM come first, in its
-- order. Other columns follow.
--
--   contacts_summary   contacts with email_fts, phone_fts, company_name, nb_tasks (open tasks)
--   companies_summary  companies with nb_deals, nb_contacts
--   deals_summary      deals with company_name, nb_notes; contact_ids is never null
--   activity_log       created companies, contacts, deals and notes
--
-- The views with a search vector are in private, and in public without it (see the foundations). All
-- views run with the rights of the caller. Counts are subqueries that use an index and only run
-- for returned rows.

create view private.contacts_summary
with (security_invoker = on)
as
select
  co.id,
  co.first_name,
  co.last_name,
  co.gender,
  co.title,
  co.background,
  co.avatar,
  co.first_seen,
  co.last_seen,
  co.has_newsletter,
  co.status,
  co.tags,
  co.company_id,
  co.sales_id,
  co.linkedin_url,
  co.email_jsonb,
  co.phone_jsonb,
  jsonb_path_query_array(co.email_jsonb, '$[*].email')::text as email_fts,
  jsonb_path_query_array(co.phone_jsonb, '$[*].number')::text as phone_fts,
  c.name as company_name,
  (
    select count(*)
    from public.tasks t
    where t.workspace_id = co.workspace_id
      and t.contact_id = co.id
      and t.done_date is null
  ) as nb_tasks,
  co.created_at,
  co.updated_at,
  co.search,
  co.external_ids
from public.contacts co
left join public.companies c on c.workspace_id = co.workspace_id and c.id = co.company_id;
call private.add_public_view('contacts_summary');
comment on view public.contacts_summary is
  'Contacts with the name of their company and the number of their open tasks.';

create view private.companies_summary
with (security_invoker = on)
as
select
  c.id,
  c.created_at,
  c.name,
  c.sector,
  c.size,
  c.linkedin_url,
  c.website,
  c.phone_number,
  c.address,
  c.zipcode,
  c.city,
  c.state_abbr,
  c.sales_id,
  c.context_links,
  c.country,
  c.description,
  c.revenue,
  c.tax_identifier,
  c.logo,
  (
    select count(*)
    from public.deals d
    where d.workspace_id = c.workspace_id and d.company_id = c.id
  ) as nb_deals,
  (
    select count(*)
    from public.contacts co
    where co.workspace_id = c.workspace_id and co.company_id = c.id
  ) as nb_contacts,
  c.updated_at,
  c.search,
  c.external_ids
from public.companies c;
call private.add_public_view('companies_summary');
comment on view public.companies_summary is
  'Companies with the numbers of their deals and contacts.';

create view private.deals_summary
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
  d.search,
  d.external_ids
from public.deals d
left join public.companies c on c.workspace_id = d.workspace_id and c.id = d.company_id;
call private.add_public_view('deals_summary');
comment on view public.deals_summary is
  'Deals with the name of their company and the number of their notes.';

-- The union only contains keys. Subqueries read the rows as JSON, only for the returned page. With
-- a common table expression in place of the subquery in FROM, they would run for every row.
create view public.activity_log
with (security_invoker = on)
as
select
  a.kind || '.' || a.record_id || '.created' as id,
  a.kind || '.created' as type,
  a.date,
  a.company_id,
  a.sales_id,
  case a.kind when 'company' then (
    select (to_jsonb(c) - 'search')::json from public.companies c where c.id = a.record_id
  ) end as company,
  case a.kind when 'contact' then (
    select (to_jsonb(co) - 'search')::json from public.contacts co where co.id = a.record_id
  ) end as contact,
  case a.kind when 'deal' then (
    select (to_jsonb(d) - 'search')::json from public.deals d where d.id = a.record_id
  ) end as deal,
  case a.kind when 'contactNote' then (
    select to_json(cn) from public.contact_notes cn where cn.id = a.record_id
  ) end as contact_note,
  case a.kind when 'dealNote' then (
    select to_json(dn) from public.deal_notes dn where dn.id = a.record_id
  ) end as deal_note
from (
  select
    'company' as kind, c.id as record_id, c.created_at as date, c.id as company_id, c.sales_id
  from public.companies c
  union all
  select 'contact', co.id, coalesce(co.first_seen, co.created_at), co.company_id, co.sales_id
  from public.contacts co
  union all
  select 'contactNote', cn.id, cn.date, co.company_id, cn.sales_id
  from public.contact_notes cn
  join public.contacts co on co.workspace_id = cn.workspace_id and co.id = cn.contact_id
  union all
  select 'deal', d.id, d.created_at, d.company_id, d.sales_id
  from public.deals d
  union all
  select 'dealNote', dn.id, dn.date, d.company_id, dn.sales_id
  from public.deal_notes dn
  join public.deals d on d.workspace_id = dn.workspace_id and d.id = dn.deal_id
) as a;
comment on view public.activity_log is
  'One row per created company, contact, deal and note, with its date.';
grant select on public.activity_log to authenticated;
