-- Row level security and grants of every table in public.
--
--   who                              may
--   member (any active role)         read everything in their workspace; insert and update
--                                    companies, contacts, notes, deals, tasks and tags
--   owner (sales_id), manager, admin delete those; tags have no owner: managers and admins
--   admin                            update members, workspace and configuration; invitations
--   everybody else, disabled members nothing
--
-- A member's own profile and other rules about single columns are triggers (member_guards,
-- workspace_and_owner). The helpers are wrapped in (select …), so that a query calls each of them once.

revoke all on all tables in schema public from anon, authenticated;
revoke all on all sequences in schema public from anon, authenticated;
grant all on all tables in schema public to service_role;
grant all on all sequences in schema public to service_role;

grant select, insert, update, delete
  on public.companies, public.contacts, public.contact_notes, public.deals, public.deal_notes,
    public.tasks, public.tags, public.favicons_excluded_domains, public.invitations
  to authenticated;
grant select, insert, update on public.configuration to authenticated;
grant select, update on public.sales to authenticated;
grant select, update (name) on public.workspaces to authenticated;

-- Tenants and members ---------------------------------------------------------------------------

alter table public.workspaces enable row level security;
create policy "members read" on public.workspaces for select to authenticated
  using (id = (select private.workspace_id()));
create policy "admins update" on public.workspaces for update to authenticated
  using (id = (select private.workspace_id()) and (select private.is_admin()))
  with check (id = (select private.workspace_id()) and (select private.is_admin()));

alter table public.sales enable row level security;
create policy "members read" on public.sales for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "oneself or admins update" on public.sales for update to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.is_admin()) or id = (select private.member_id()))
  )
  with check (
    workspace_id = (select private.workspace_id())
    and ((select private.is_admin()) or id = (select private.member_id()))
  );

alter table public.invitations enable row level security;
create policy "admins read" on public.invitations for select to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "admins insert" on public.invitations for insert to authenticated
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "admins update" on public.invitations for update to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.is_admin()))
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "admins delete" on public.invitations for delete to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.is_admin()));

alter table public.configuration enable row level security;
create policy "members read" on public.configuration for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "admins insert" on public.configuration for insert to authenticated
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));
create policy "admins update" on public.configuration for update to authenticated
  using (workspace_id = (select private.workspace_id()) and (select private.is_admin()))
  with check (workspace_id = (select private.workspace_id()) and (select private.is_admin()));

-- Business records ------------------------------------------------------------------------------

alter table public.companies enable row level security;
create policy "members read" on public.companies for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.companies for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.companies for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.companies for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.contacts enable row level security;
create policy "members read" on public.contacts for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.contacts for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.contacts for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.contacts for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.contact_notes enable row level security;
create policy "members read" on public.contact_notes for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.contact_notes for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.contact_notes for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.contact_notes for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.deals enable row level security;
create policy "members read" on public.deals for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.deals for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.deals for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.deals for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.deal_notes enable row level security;
create policy "members read" on public.deal_notes for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.deal_notes for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.deal_notes for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.deal_notes for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.tasks enable row level security;
create policy "members read" on public.tasks for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.tasks for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.tasks for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "owners and managers delete" on public.tasks for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and ((select private.can_manage()) or sales_id = (select private.member_id()))
  );

alter table public.tags enable row level security;
create policy "members read" on public.tags for select to authenticated
  using (workspace_id = (select private.workspace_id()));
create policy "members insert" on public.tags for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.tags for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "managers delete" on public.tags for delete to authenticated
  using (
    workspace_id = (select private.workspace_id())
    and (select private.can_manage())
  );

alter table public.favicons_excluded_domains enable row level security;
create policy "members read" on public.favicons_excluded_domains for select to authenticated
  using (
    workspace_id = (select private.workspace_id())
    or (workspace_id is null and (select private.workspace_id()) is not null)
  );
create policy "members insert" on public.favicons_excluded_domains for insert to authenticated
  with check (workspace_id = (select private.workspace_id()));
create policy "members update" on public.favicons_excluded_domains for update to authenticated
  using (workspace_id = (select private.workspace_id()))
  with check (workspace_id = (select private.workspace_id()));
create policy "members delete" on public.favicons_excluded_domains for delete to authenticated
  using (workspace_id = (select private.workspace_id()));
