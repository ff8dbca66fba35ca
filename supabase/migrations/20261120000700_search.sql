-- Full-text search over companies, contacts and deals.
--
-- search is a weighted tsvector: A the name, B addresses on the net, C title, phone and place,
-- D the long text. Words are unaccented and split at punctuation, so that ada.lovelace@example.com
-- is found by the whole address, by lovelace and by example.com. private.search_query() splits what
-- the user typed in the same way; every word must occur, each as a prefix.
--
-- Under row level security PostgreSQL cannot use a GIN index for @@, ilike or @>, because these
-- operators are not leakproof. private.search_ids() therefore looks in the index itself, in the
-- caller's workspace only:  where id in (select private.search_ids('contacts', 'ada love'))

create function private.searchable(text_value text)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return regexp_replace(
    extensions.unaccent('extensions.unaccent'::regdictionary, text_value),
    '[]@._+/\\,;:()[{}<>"''|&!?#*%=~^$`-]+', ' ', 'g'
  );
end
$$;
comment on function private.searchable(text) is 'Text without accents, with punctuation turned into spaces.';

create function private.search_vector(a text, b text, c text, d text)
returns tsvector
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return
    setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(a, ''))), 'A')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(b, ''))), 'B')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(c, ''))), 'C')
    || setweight(to_tsvector('pg_catalog.simple', private.searchable(coalesce(d, ''))), 'D');
end
$$;
comment on function private.search_vector(text, text, text, text) is 'The weighted vector of four texts.';

create function private.search_query(words text)
returns tsquery
language sql immutable parallel safe
set search_path = ''
as $$
  select string_agg(quote_literal(lexeme) || ':*', ' & ')::tsquery
  from unnest(to_tsvector('pg_catalog.simple', private.searchable(words)))
$$;
comment on function private.search_query(text) is
  'All words of the text, each as a prefix; null when it holds no word.';

-- These are in PL/pgSQL, whose plans last for the session: an SQL function would be planned anew
-- for every row. jsonb_path_query sees an array, and a legacy object or string, as a sequence.
create function private.phone_numbers(phones jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  number text;
begin
  -- Most contacts have one number, which needs no query.
  if jsonb_typeof(phones) = 'array' and jsonb_array_length(phones) <= 1 then
    number := coalesce(phones #>> '{0,number}', phones #>> '{0}');
    return number || ' ' || regexp_replace(number, '[^0-9]', '', 'g');
  end if;
  return (
    select string_agg(numbers.number || ' ' || regexp_replace(numbers.number, '[^0-9]', '', 'g'), ' ')
    from (
      select coalesce(element ->> 'number', element #>> '{}') as number
      from jsonb_path_query(phones, '$[*]') as element
    ) as numbers
  );
end
$$;
comment on function private.phone_numbers(jsonb) is 'All numbers as one text, as written and as bare digits.';

create function private.email_addresses(emails jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  -- Most contacts have at most two addresses, which need no query.
  if jsonb_typeof(emails) = 'array' and jsonb_array_length(emails) <= 2 then
    return nullif(concat_ws(' ', emails #>> '{0,email}', emails #>> '{1,email}'), '');
  end if;
  return (
    select string_agg(element ->> 'email', ' ')
    from jsonb_path_query(emails, '$[*]') as element
  );
end
$$;
comment on function private.email_addresses(jsonb) is 'All addresses as one text.';

create function private.set_contact_search()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.search := private.search_vector(
    concat_ws(' ', new.first_name, new.last_name),
    private.email_addresses(new.email_jsonb),
    concat_ws(' ', new.title, private.phone_numbers(new.phone_jsonb)),
    new.background
  );
  return new;
end
$$;
comment on function private.set_contact_search() is 'Keeps contacts.search up to date.';

create trigger "50_set_search"
  before insert or update of first_name, last_name, email_jsonb, title, phone_jsonb, background
  on public.contacts
  for each row
  execute function private.set_contact_search();

create function private.set_company_search()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.search := private.search_vector(
    new.name,
    new.website::text,
    concat_ws(
      ' ', new.sector, new.phone_number, regexp_replace(new.phone_number, '[^0-9]', '', 'g'),
      new.zipcode, new.city, new.state_abbr, new.country, new.tax_identifier
    ),
    concat_ws(' ', new.description, new.address)
  );
  return new;
end
$$;
comment on function private.set_company_search() is 'Keeps companies.search up to date.';

create trigger "50_set_search"
  before insert or update of name, website, sector, phone_number, zipcode, city, state_abbr,
    country, tax_identifier, description, address
  on public.companies
  for each row
  execute function private.set_company_search();

create function private.set_deal_search()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  new.search := private.search_vector(new.name, null, new.category, new.description);
  return new;
end
$$;
comment on function private.set_deal_search() is 'Keeps deals.search up to date.';

create trigger "50_set_search"
  before insert or update of name, category, description
  on public.deals
  for each row
  execute function private.set_deal_search();

comment on column public.contacts.search is 'Kept by a trigger; searched through private.search_ids.';
comment on column public.companies.search is 'Kept by a trigger; searched through private.search_ids.';
comment on column public.deals.search is 'Kept by a trigger; searched through private.search_ids.';

create index ix__contacts__workspace_id__search on public.contacts using gin (workspace_id, search);
create index ix__companies__workspace_id__search
  on public.companies using gin (workspace_id, search);
create index ix__deals__workspace_id__search on public.deals using gin (workspace_id, search);

-- For ilike, as Atomic CRM's own search and duplicate checks use it.
create index ix__contacts__names__trigram on public.contacts
  using gin (first_name extensions.gin_trgm_ops, last_name extensions.gin_trgm_ops);
create index ix__companies__name__trigram on public.companies
  using gin (name extensions.gin_trgm_ops);

create function private.search_ids(table_name text, words text)
returns setof bigint
language plpgsql stable security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  wanted constant tsquery := private.search_query(words);
  any_in_name constant tsquery := (
    select string_agg(quote_literal(lexeme) || ':*A', ' | ')::tsquery
    from unnest(to_tsvector('pg_catalog.simple', private.searchable(words)))
  );
begin
  case table_name
    when 'contacts' then
      -- "ada acme" finds the Ada who works for Acme.
      return query
        select c.id from public.contacts c
        where c.workspace_id = caller_workspace and c.search @@ wanted
        union
        select c.id
        from public.companies co
        join public.contacts c on c.workspace_id = co.workspace_id and c.company_id = co.id
        where co.workspace_id = caller_workspace
          and co.search @@ any_in_name
          and (coalesce(c.search, '') || ts_filter(co.search, '{a}')) @@ wanted;
    when 'companies' then
      return query
        select c.id from public.companies c
        where c.workspace_id = caller_workspace and c.search @@ wanted;
    when 'deals' then
      return query
        select d.id from public.deals d
        where d.workspace_id = caller_workspace and d.search @@ wanted;
  end case;
end
$$;
comment on function private.search_ids(text, text) is
  'Ids of the caller''s contacts, companies or deals in which every word occurs, for contacts also in their company''s name; none without a word.';

grant execute on function private.search_query(text), private.search_ids(text, text)
  to authenticated, service_role;
