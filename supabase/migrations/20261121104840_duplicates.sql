-- Duplicates: contacts and companies that may be the same, and pairs that members dismissed.
--
-- Tables     contact_dismissals, company_dismissals: pairs that are no duplicates
--            private.contact_duplicate_keys, private.company_duplicate_keys: what records are found by
--            private.contact_profiles: what contacts are compared by
--            private.duplicate_searches, private.duplicate_search_pairs: pairs for further pages
-- Functions  private.contact_duplicates(record_id), private.company_duplicates(record_id): the
--            pairs of one record, or of all records, with a score and reasons
--            private.lock_duplicate_keys(table_name, record_id): one creation at a time
--            private.find_duplicate_search(filters), private.store_duplicate_search(…),
--            private.stored_pairs(search_id, …): further pages
--
-- A record has a key for each value that a duplicate of it would share: the hash of an e-mail
-- address, of the last digits of a phone number, of a word of the name together with the company or
-- with the domain of an address; of a website's domain, of a company's name. Triggers keep the keys.
-- Only records that share a key are compared, so the effort follows the number of such pairs.
--
-- A key of more than 20 records is no sign of a duplicate, and comparing all of them with each other
-- would take too long. Then each of them is compared with the oldest one only. When the keys of a
-- workspace would still give more than 400,000 pairs, this holds for smaller keys too.
--
-- A dismissal has the ids of its records as an array. So merges, deletions, restorations and undo
-- treat it as any other array of ids: after a merge it refers to the winner. One that has the winner
-- only is without effect.

-- Names -----------------------------------------------------------------------------------------

create function private.plain_words(text_value text)
returns text[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return string_to_array(
    btrim(regexp_replace(
      lower(extensions.unaccent(
        'extensions.unaccent'::regdictionary,
        regexp_replace(left(text_value, 200), '[.''’`´]', '', 'g')
      )),
      '[^[:alnum:]]+', ' ', 'g'
    )),
    ' '
  );
end
$$;
comment on function private.plain_words(text) is
  'Returns the words of the first 200 characters in lower case, without accents and punctuation.';

-- Titles have an empty text. As a constant of the statement, the object is parsed once.
create function private.name_words(name text)
returns text[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  plain constant text[] := case
    -- Most names are one word without accents. They need no normalisation.
    when name ~ '^[A-Za-z]+$' then array[lower(left(name, 200))]
    else private.plain_words(coalesce(name, ''))
  end;
  words text[] := '{}';
  word text;
begin
  foreach word in array plain loop
    word := coalesce(
      '{
        "dr": "", "mr": "", "mrs": "", "ms": "", "miss": "", "prof": "", "sir": "", "jr": "",
        "sr": "", "phd": "", "herr": "", "frau": "",
        "abby": "abigail", "al": "albert", "alex": "alexander", "alexandra": "alexander",
        "andy": "andrew", "annie": "anne", "art": "arthur", "barb": "barbara", "becky": "rebecca",
        "ben": "benjamin", "bernie": "bernard", "bert": "albert", "beth": "elizabeth",
        "betty": "elizabeth", "bill": "william", "billy": "william", "bob": "robert",
        "bobby": "robert", "cathy": "catherine", "charlie": "charles", "chris": "christopher",
        "chuck": "charles", "cindy": "cynthia", "dan": "daniel", "danny": "daniel", "dave": "david",
        "deb": "deborah", "debbie": "deborah", "dick": "richard", "don": "donald", "doug": "douglas",
        "ed": "edward", "eddie": "edward", "eliza": "elizabeth", "ellie": "eleanor", "fran": "frances",
        "frank": "francis", "fred": "frederick", "gabe": "gabriel", "gerry": "gerald",
        "greg": "gregory", "hank": "henry", "harry": "henry", "jack": "john", "jake": "jacob",
        "jeff": "jeffrey", "jen": "jennifer", "jenny": "jennifer", "jerry": "gerald", "jim": "james",
        "jimmy": "james", "joe": "joseph", "johnny": "john", "jon": "john", "jonathan": "john",
        "josh": "joshua", "judy": "judith", "kate": "catherine", "katherine": "catherine",
        "kathy": "catherine", "katie": "catherine", "ken": "kenneth", "larry": "lawrence",
        "liz": "elizabeth", "lizzy": "elizabeth", "lou": "louis", "maggie": "margaret",
        "mandy": "amanda", "matt": "matthew", "max": "maximilian", "meg": "margaret", "mel": "melanie",
        "mick": "michael", "mike": "michael", "mitch": "mitchell", "nate": "nathan",
        "nathaniel": "nathan", "ned": "edward", "nick": "nicholas", "pam": "pamela", "pat": "patrick",
        "patty": "patricia", "peg": "margaret", "peggy": "margaret", "pete": "peter", "phil": "philip",
        "phillip": "philip", "ray": "raymond", "rich": "richard", "rick": "richard", "rob": "robert",
        "robbie": "robert", "ron": "ronald", "sally": "sarah", "sam": "samuel", "sandy": "sandra",
        "steph": "stephanie", "stephen": "steven", "steve": "steven", "sue": "susan",
        "susie": "susan", "suzie": "susan", "ted": "edward", "terry": "terence", "theo": "theodore",
        "tim": "timothy", "toby": "tobias", "tom": "thomas", "tommy": "thomas", "tony": "anthony",
        "trish": "patricia", "vicky": "victoria", "vince": "vincent", "wes": "wesley", "will": "william",
        "zach": "zachary", "zack": "zachary"
      }'::jsonb ->> word,
      word
    );
    if word <> '' then
      words := words || word;
    end if;
  end loop;
  return words;
end
$$;
comment on function private.name_words(text) is
  'Returns the words of a person''s name without titles. Short forms such as bob become the full '
  'name.';

create function private.text_similarity(a text, b text)
returns real
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  distance integer;
begin
  if a = '' or b = '' then
    return 0.7;
  elsif a = b then
    return 1;
  elsif left(a, 1) = left(b, 1) and least(char_length(a), char_length(b)) = 1 then
    return 0.85;
  elsif a like b || ' %' or b like a || ' %' then
    return 0.9;
  end if;
  -- Names with more differences are not similar, so that their distance is not computed to the end.
  distance := extensions.levenshtein_less_equal(
    left(a, 60), left(b, 60), 1 + greatest(char_length(a), char_length(b)) * 3 / 10
  );
  -- Two letters in the wrong order are one mistake.
  if distance = 2 and char_length(a) = char_length(b)
    and array(select unnest(string_to_array(a, null)) order by 1)
      = array(select unnest(string_to_array(b, null)) order by 1)
  then
    distance := 1;
  end if;
  return 1 - distance::real / greatest(char_length(a), char_length(b));
end
$$;
comment on function private.text_similarity(text, text) is
  'Returns how similar two normalised names are, from 0 to 1. An initial matches a name, and a '
  'missing name matches a little.';

-- Contacts --------------------------------------------------------------------------------------

create type private.contact_profile as (
  given text, family text, emails text[], phones text[], domains text[]
);

create function private.contact_profile_of(
  first_name text, last_name text, email_jsonb jsonb, phone_jsonb jsonb, shared_domains text[]
)
returns private.contact_profile
language plpgsql immutable
set search_path = ''
as $$
declare
  profile private.contact_profile;
  given_words text[] := private.name_words(first_name);
  family_words text[] := private.name_words(last_name);
  addresses constant jsonb :=
    case jsonb_typeof(email_jsonb) when 'array' then email_jsonb else '[]'::jsonb end;
  numbers constant jsonb := case jsonb_typeof(phone_jsonb)
    when 'array' then phone_jsonb
    when 'object' then jsonb_build_array(phone_jsonb)
    when 'string' then jsonb_build_array(phone_jsonb)
    else '[]'::jsonb
  end;
  emails text[] := '{}';
  phones text[] := '{}';
  domains text[] := '{}';
  address text;
  domain text;
  phone text;
begin
  -- A whole name in one of the two fields.
  if given_words = '{}' and cardinality(family_words) > 1 then
    given_words := family_words;
    family_words := '{}';
  end if;
  if family_words = '{}' and cardinality(given_words) > 1 then
    family_words := given_words[2:];
    given_words := given_words[:1];
  end if;
  for i in 0 .. least(jsonb_array_length(addresses), 10) - 1 loop
    address := lower(btrim(addresses -> i ->> 'email'));
    if address like '%_@_%' and address <> all (emails) then
      emails := emails || address;
      domain := split_part(address, '@', 2);
      if domain <> all (domains) and domain <> all (shared_domains) then
        domains := domains || domain;
      end if;
    end if;
  end loop;
  -- Few contacts have more addresses, and one may have hundreds. Imports find it by any of them.
  if jsonb_array_length(addresses) > 10 then
    emails := emails || array(
      select distinct lower(btrim(further.value ->> 'email'))
      from jsonb_array_elements(addresses) as further
      where further.value ->> 'email' like '%_@_%'
        and lower(btrim(further.value ->> 'email')) <> all (emails)
    );
  end if;
  -- The last nine digits are the same with and without the code of the country.
  for i in 0 .. least(jsonb_array_length(numbers), 10) - 1 loop
    phone := right(ltrim(
      regexp_replace(coalesce(numbers -> i ->> 'number', numbers ->> i), '[^0-9]', '', 'g'), '0'
    ), 9);
    if char_length(phone) >= 6 and phone <> all (phones) then
      phones := phones || phone;
    end if;
  end loop;
  profile := row(
    array_to_string(given_words, ' '), array_to_string(family_words, ' '), emails, phones, domains
  );
  return profile;
end
$$;
comment on function private.contact_profile_of(text, text, jsonb, jsonb, text[]) is
  'Returns the normalised values of a contact that duplicates share. Addresses in the shared domains '
  'belong to unrelated people, such as those of e-mail providers.';

create function private.distinct_words(given text, family text)
returns text[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  -- Most contacts have two different names of one word. They need no query.
  if given <> '' and family <> '' and given <> family
    and position(' ' in given) = 0 and position(' ' in family) = 0
  then
    return case when given < family then array[given, family] else array[family, given] end;
  end if;
  return array(
    select distinct word
    from unnest(string_to_array(concat_ws(' ', given, family), ' ')) as word
    where word <> ''
    order by word
    limit 6
  );
end
$$;
comment on function private.distinct_words(text, text) is
  'Returns the words of two names, sorted, each once and at most 6.';

create function private.contact_keys(profile private.contact_profile, company_id bigint)
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
declare
  words constant text[] := private.distinct_words(profile.given, profile.family);
  names constant text[] := case
    when cardinality(words) > 1 then words || array_to_string(words, ' ') else words
  end;
  places text[] := '{}';
  keys bigint[] := '{}';
  value text;
  name text;
begin
  foreach value in array profile.emails loop
    keys := keys || hashtextextended('email ' || value, 0);
  end loop;
  foreach value in array profile.phones loop
    keys := keys || hashtextextended('phone ' || value, 0);
  end loop;
  if company_id is not null then
    places := places || ('company ' || company_id);
  end if;
  foreach value in array profile.domains[:5] loop
    places := places || ('domain ' || value);
  end loop;
  foreach value in array places loop
    foreach name in array names loop
      keys := keys || hashtextextended(value || ' name ' || name, 0);
    end loop;
  end loop;
  return keys;
end
$$;
comment on function private.contact_keys(private.contact_profile, bigint) is
  'Returns the keys of a contact: addresses, phone numbers, and words of the name together with the '
  'company or the domain of an address.';

create function private.name_similarity(a private.contact_profile, b private.contact_profile)
returns real
language plpgsql immutable
set search_path = ''
as $$
declare
  given real;
  family real;
begin
  if (a.given = '' and a.family = '') or (b.given = '' and b.family = '') then
    return null;
  end if;
  given := private.text_similarity(a.given, b.given);
  family := case when given < 0.7 then 0 else private.text_similarity(a.family, b.family) end;
  if given < 0.7 or family < 0.7 then
    -- First and last name in the wrong fields.
    given := private.text_similarity(a.given, b.family);
    if given < 0.7 then
      return 0;
    end if;
    family := private.text_similarity(a.family, b.given);
  end if;
  if family < 0.7 or given + family < 1.6 then
    return 0;
  end if;
  return (given + family) / 2;
end
$$;
comment on function
  private.name_similarity(private.contact_profile, private.contact_profile) is
  'Returns how similar the names of two contacts are, from 0 to 1. Null when one has no name.';

create function private.contact_match(
  a private.contact_profile, b private.contact_profile, same_company boolean,
  out score real, out reasons text[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  name constant real := private.name_similarity(a, b);
  difference real := 1;
begin
  reasons := '{}';
  if a.emails operator(pg_catalog.&&) b.emails then
    reasons := reasons || 'same_email'::text;
    difference := difference * case when name is null then 0.2 when name = 0 then 0.5
      else 0.15 - 0.13 * name end;
  end if;
  if a.phones operator(pg_catalog.&&) b.phones then
    reasons := reasons || 'same_phone'::text;
    difference := difference * case when name is null then 0.4 when name = 0 then 0.75
      else 0.4 - 0.35 * name end;
  end if;
  if name > 0 and same_company then
    reasons := reasons || 'similar_name_same_company'::text;
    difference := difference * (0.75 - 0.65 * name);
  end if;
  if name > 0 and a.domains operator(pg_catalog.&&) b.domains then
    reasons := reasons || 'similar_name_same_domain'::text;
    difference := difference * (0.75 - 0.6 * name);
  end if;
  score := round((1 - difference)::numeric, 3);
end
$$;
comment on function
  private.contact_match(private.contact_profile, private.contact_profile, boolean) is
  'Returns the score of two contacts, from 0 to 1, and the reasons. No reasons when they have '
  'nothing in common.';

-- Companies -------------------------------------------------------------------------------------

create function private.company_words(name text)
returns text[]
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  words text[] := private.plain_words(coalesce(name, ''));
begin
  if cardinality(words) > 1 and words[1] = 'the' then
    words := words[2:];
  end if;
  while cardinality(words) > 1 and words[cardinality(words)] = any (
    '{ab,ag,and,aps,as,asa,bv,bvba,cie,co,company,corp,corporation,cv,doo,e,ek,et,eurl,ev,gbr,gmbh,
      group,holding,holdings,inc,incorporated,international,kft,kg,kgaa,kk,lda,limited,llc,llp,lp,
      ltd,ltda,mbh,nv,nyrt,ohg,oo,ou,oy,oyj,plc,pte,pty,pvt,sa,sab,sarl,sas,se,sl,slu,sp,spa,spol,
      spzoo,sro,srl,ug,und,unlimited,y,z,zoo,zrt}'::text[]
  ) loop
    words := words[: cardinality(words) - 1];
  end loop;
  return words;
end
$$;
comment on function private.company_words(text) is
  'Returns the words of a company''s name without its legal form, such as Ltd, GmbH or S.A.';

create function private.website_domain(website text)
returns text
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  domain constant text := (
    regexp_match(lower(btrim(website)), '^(?:[a-z]+:)?(?://)?(?:[^/@]*@)?(?:www\d?\.)?([^/:?#\s]+)')
  )[1];
begin
  -- Pages of unrelated companies.
  if domain not like '%_._%' or domain ~ '(^|\.)(facebook|linkedin|instagram|twitter|youtube)\.com$'
    or domain in ('x.com', 'sites.google.com', 'linktr.ee')
  then
    return null;
  end if;
  return rtrim(domain, '.');
end
$$;
comment on function private.website_domain(text) is
  'Returns the domain of a website''s address without www. Null for pages on social networks.';

create function private.company_keys(name text, website text)
returns bigint[]
language plpgsql immutable
set search_path = ''
as $$
declare
  domain constant text := private.website_domain(website);
  plain_name constant text := array_to_string(private.company_words(name), '');
begin
  return array(
    select hashtextextended(keys.key, 0)
    from (
      values
        ('domain ' || domain),
        ('name ' || nullif(plain_name, '')),
        -- Imports find companies by it.
        ('whole name ' || lower(name))
    ) as keys (key)
    where keys.key is not null
  );
end
$$;
comment on function private.company_keys(text, text) is
  'Returns the keys of a company: the domain of its website, its name without the legal form, and '
  'its name without case.';

create function private.company_match(
  a_name text, a_domain text, a_city text, b_name text, b_domain text, b_city text,
  out score real, out reasons text[]
)
language plpgsql immutable
set search_path = ''
as $$
declare
  same_name constant boolean := replace(a_name, ' ', '') = replace(b_name, ' ', '');
  same_city constant boolean := lower(nullif(btrim(a_city), '')) = lower(nullif(btrim(b_city), ''));
  difference real := 1;
begin
  reasons := '{}';
  if a_domain = b_domain then
    reasons := reasons || 'same_domain'::text;
    difference := difference * case
      when same_name then 0.1
      when private.text_similarity(a_name, b_name) >= 0.75 then 0.15
      else 0.45
    end;
  end if;
  if same_name then
    reasons := reasons || 'same_name'::text;
    difference := difference * case
      when a_domain <> b_domain then
        case when same_city then 0.35 when not same_city then 0.6 else 0.5 end
      when same_city then 0.15
      when not same_city then 0.35
      else 0.2
    end;
  end if;
  score := round((1 - difference)::numeric, 3);
end
$$;
comment on function private.company_match(text, text, text, text, text, text) is
  'Returns the score of two companies, from 0 to 1, and the reasons. The names are normalised.';

-- Keys ------------------------------------------------------------------------------------------

-- No foreign keys: checking them would take longer than finding the keys. Deleting a record, also
-- with its workspace, deletes its keys.
create table private.contact_duplicate_keys (
  workspace_id uuid not null,
  key bigint not null,
  record_id bigint not null,
  primary key (workspace_id, key, record_id)
);
comment on table private.contact_duplicate_keys is
  'What a contact is found by as a duplicate: hashes of its normalised values. Kept by triggers.';
comment on column private.contact_duplicate_keys.workspace_id is 'The workspace of the contact.';
comment on column private.contact_duplicate_keys.key is 'The hash of a value.';
comment on column private.contact_duplicate_keys.record_id is 'The contact.';

alter table private.contact_duplicate_keys enable row level security;
create policy "service role only" on private.contact_duplicate_keys for all to service_role
  using (true)
  with check (true);

create table private.company_duplicate_keys (
  workspace_id uuid not null,
  key bigint not null,
  record_id bigint not null,
  primary key (workspace_id, key, record_id)
);
comment on table private.company_duplicate_keys is
  'What a company is found by as a duplicate: hashes of its normalised values. Kept by triggers.';
comment on column private.company_duplicate_keys.workspace_id is 'The workspace of the company.';
comment on column private.company_duplicate_keys.key is 'The hash of a value.';
comment on column private.company_duplicate_keys.record_id is 'The company.';

alter table private.company_duplicate_keys enable row level security;
create policy "service role only" on private.company_duplicate_keys for all to service_role
  using (true)
  with check (true);

create table private.contact_profiles (
  contact_id bigint primary key,
  workspace_id uuid not null,
  company_id bigint,
  profile private.contact_profile not null
);
comment on table private.contact_profiles is
  'The normalised values of contacts, which duplicates are compared by. Kept by triggers.';
comment on column private.contact_profiles.contact_id is 'The contact.';
comment on column private.contact_profiles.workspace_id is 'The workspace of the contact.';
comment on column private.contact_profiles.company_id is 'The company of the contact.';
comment on column private.contact_profiles.profile is 'The names, addresses, phones and domains.';

alter table private.contact_profiles enable row level security;
create policy "service role only" on private.contact_profiles for all to service_role
  using (true)
  with check (true);

-- Statement triggers, because a bulk of records is inserted faster by one statement. Keys are deleted
-- by their values, so that the table needs no second index, which each insert would write too.
create function private.write_contact_keys()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  changed_ids bigint[];
  shared_domains constant text[] := array(
    select f.domain from public.favicons_excluded_domains f where f.workspace_id is null
  );
begin
  if tg_op = 'DELETE' then
    changed_ids := array(select o.id from old_rows o);
  elsif tg_op = 'UPDATE' then
    changed_ids := array(
      select n.id
      from new_rows n
      join old_rows o using (id)
      where (n.first_name, n.last_name, n.email_jsonb, n.phone_jsonb, n.company_id)
        is distinct from (o.first_name, o.last_name, o.email_jsonb, o.phone_jsonb, o.company_id)
    );
  end if;
  if changed_ids <> '{}' then
    with removed as (
      delete from private.contact_profiles p
      where p.contact_id = any (changed_ids)
      returning *
    )
    delete from private.contact_duplicate_keys k
    using removed r
    cross join lateral unnest(private.contact_keys(r.profile, r.company_id)) as removed_key
    where k.workspace_id = r.workspace_id
      and k.key = removed_key
      and k.record_id = r.contact_id;
  end if;
  if tg_op = 'DELETE' or changed_ids = '{}' then
    return null;
  end if;
  with stored as (
    insert into private.contact_profiles (contact_id, workspace_id, company_id, profile)
    select
      n.id, n.workspace_id, n.company_id,
      private.contact_profile_of(
        n.first_name, n.last_name, n.email_jsonb, n.phone_jsonb, shared_domains
      )
    from new_rows n
    where tg_op = 'INSERT' or n.id = any (changed_ids)
    returning *
  )
  insert into private.contact_duplicate_keys (workspace_id, key, record_id)
  -- Two values of a contact may have one hash.
  select distinct s.workspace_id, key, s.contact_id
  from stored s
  cross join lateral unnest(private.contact_keys(s.profile, s.company_id)) as key
  -- In the order of the index, thousands of keys are inserted faster.
  order by key;
  return null;
end
$$;
comment on function private.write_contact_keys() is 'Keeps the profiles and keys of contacts.';

create function private.write_company_keys()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    delete from private.company_duplicate_keys k
    using old_rows o
    cross join lateral unnest(private.company_keys(o.name, o.website::text)) as removed_key
    where k.workspace_id = o.workspace_id
      and k.key = removed_key
      and k.record_id = o.id;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into private.company_duplicate_keys (workspace_id, key, record_id)
    select n.workspace_id, key, n.id
    from new_rows n
    cross join lateral unnest(private.company_keys(n.name, n.website::text)) as key
    on conflict do nothing;
  end if;
  return null;
end
$$;
comment on function private.write_company_keys() is 'Keeps the keys of companies.';

call private.add_statement_triggers('contacts', '60_duplicates', 'write_contact_keys');
call private.add_statement_triggers('companies', '60_duplicates', 'write_company_keys');

-- Pairs by keys ---------------------------------------------------------------------------------

create function private.keys_of(p_workspace_id uuid, p_table_name text, p_record_id bigint)
returns setof bigint
language sql stable
set search_path = ''
as $$
  select unnest(private.contact_keys(p.profile, p.company_id))
  from private.contact_profiles p
  where p_table_name = 'contacts'
    and p.workspace_id = p_workspace_id
    and p.contact_id = p_record_id
  union
  select unnest(private.company_keys(c.name, c.website::text))
  from public.companies c
  where p_table_name = 'companies'
    and c.workspace_id = p_workspace_id
    and c.id = p_record_id
$$;
comment on function private.keys_of(uuid, text, bigint) is
  'Returns the keys of a contact or a company, each once.';

create function private.lock_duplicate_keys(p_table_name text, p_record_id bigint)
returns void
language sql volatile security definer
set search_path = ''
as $$
  select pg_advisory_xact_lock(hashtextextended(keys.workspace_id::text, keys.key))
  from (
    select caller.workspace_id, own.key
    from private.workspace_id() as caller (workspace_id)
    cross join lateral private.keys_of(caller.workspace_id, p_table_name, p_record_id) as own (key)
    order by own.key
  ) as keys
$$;
comment on function private.lock_duplicate_keys(text, bigint) is
  'Locks the keys of a record until the end of the transaction, so that of two new records with a '
  'common key the second sees the first.';
grant execute on function private.lock_duplicate_keys(text, bigint) to authenticated;

create function private.key_table(table_name text)
returns text
language sql immutable
set search_path = ''
as $$
  select case table_name
    when 'contacts' then 'contact_duplicate_keys'
    when 'companies' then 'company_duplicate_keys'
  end
$$;
comment on function private.key_table(text) is
  'Returns the table with the keys of contacts or companies.';

create function private.all_pairs(p_workspace_id uuid, p_table_name text)
returns table (id bigint, other_id bigint)
language plpgsql stable
set search_path = ''
as $$
begin
  return query execute format(
    $sql$
      with groups as materialized (
        select array_agg(k.record_id order by k.record_id) as ids
        from private.%I k
        where k.workspace_id = $1
        group by k.key
        having count(*) > 1
      ), sizes as (
        select cardinality(g.ids) as size, count(*) as number from groups g group by 1
      ), compared as materialized (
        select coalesce(max(allowed.size), 1) as size
        from unnest('{20,10,5,3}'::integer[]) as allowed (size)
        where (
          select sum(
            s.number * case when s.size <= allowed.size then s.size * (s.size - 1) / 2 else s.size end
          )
          from sizes s
        ) <= 400000
      )
      select distinct a.id, b.id
      from groups g
      cross join compared c
      cross join lateral unnest(
        case when cardinality(g.ids) <= c.size then g.ids else g.ids[:1] end
      ) as a (id)
      cross join lateral unnest(g.ids) as b (id)
      where a.id < b.id
    $sql$,
    private.key_table(p_table_name)
  )
  using p_workspace_id;
end
$$;
comment on function private.all_pairs(uuid, text) is
  'Returns the pairs of records that share a key. A key of more than 20 records gives the pairs with '
  'the oldest of them. When there are too many pairs, this also holds for smaller keys.';

create function private.pairs_of(p_workspace_id uuid, p_table_name text, p_record_id bigint)
returns table (id bigint, other_id bigint)
language plpgsql stable
set search_path = ''
as $$
begin
  return query execute format(
    $sql$
      select distinct least($3, other.record_id), greatest($3, other.record_id)
      from private.keys_of($1, $2, $3) as own (key)
      cross join lateral (
        select array(
          select k.record_id
          from private.%I k
          where k.workspace_id = $1 and k.key = own.key
          order by k.record_id
          limit 21
        ) as ids offset 0
      ) as oldest
      cross join lateral unnest(
        case
          when cardinality(oldest.ids) <= 20 or oldest.ids[1] = $3 then oldest.ids
          else oldest.ids[:1]
        end
      ) as other (record_id)
      where other.record_id <> $3
    $sql$,
    private.key_table(p_table_name)
  )
  using p_workspace_id, p_table_name, p_record_id;
end
$$;
comment on function private.pairs_of(uuid, text, bigint) is
  'Returns the pairs of one record, as all_pairs() does, at most 20 for each key.';

-- Dismissals ------------------------------------------------------------------------------------

create function private.set_dismissed_by()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    new.dismissed_by := old.dismissed_by;
  elsif auth.uid() is not null and not private.is_restoring() then
    new.dismissed_by := private.member_id();
  end if;
  return new;
end
$$;
comment on function private.set_dismissed_by() is 'Sets and keeps the member who dismissed a pair.';

create table public.contact_dismissals (
  id bigint generated by default as identity primary key,
  contact_ids bigint[] not null default '{}',
  note text,
  dismissed_by bigint,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint contact_dismissals_contact_ids_shape check (
    coalesce(array_ndims(contact_ids), 1) = 1
    and cardinality(contact_ids) <= 2
    and array_position(contact_ids, null) is null
  ),
  constraint contact_dismissals_lengths check (char_length(note) <= 500)
);
comment on table public.contact_dismissals is 'Pairs of contacts that are no duplicates.';
comment on column public.contact_dismissals.id is 'Assigned by the database.';
comment on column public.contact_dismissals.contact_ids is
  'The two contacts. A pair that lost one of them is without effect.';
comment on column public.contact_dismissals.note is 'Why they are not the same.';
comment on column public.contact_dismissals.dismissed_by is
  'The member who dismissed the pair. Null for the service role.';
comment on column public.contact_dismissals.workspace_id is
  'The workspace that the record belongs to.';
comment on column public.contact_dismissals.created_at is 'When the pair was dismissed.';
comment on column public.contact_dismissals.updated_at is
  'When the record last changed. Its entity tag is derived from this.';

create index ix__contact_dismissals__workspace_id on public.contact_dismissals (workspace_id);
create index ix__contact_dismissals__contact_ids on public.contact_dismissals using gin (contact_ids);

create table public.company_dismissals (
  id bigint generated by default as identity primary key,
  company_ids bigint[] not null default '{}',
  note text,
  dismissed_by bigint,
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint company_dismissals_company_ids_shape check (
    coalesce(array_ndims(company_ids), 1) = 1
    and cardinality(company_ids) <= 2
    and array_position(company_ids, null) is null
  ),
  constraint company_dismissals_lengths check (char_length(note) <= 500)
);
comment on table public.company_dismissals is 'Pairs of companies that are no duplicates.';
comment on column public.company_dismissals.id is 'Assigned by the database.';
comment on column public.company_dismissals.company_ids is
  'The two companies. A pair that lost one of them is without effect.';
comment on column public.company_dismissals.note is 'Why they are not the same.';
comment on column public.company_dismissals.dismissed_by is
  'The member who dismissed the pair. Null for the service role.';
comment on column public.company_dismissals.workspace_id is
  'The workspace that the record belongs to.';
comment on column public.company_dismissals.created_at is 'When the pair was dismissed.';
comment on column public.company_dismissals.updated_at is
  'When the record last changed. Its entity tag is derived from this.';

create index ix__company_dismissals__workspace_id on public.company_dismissals (workspace_id);
create index ix__company_dismissals__company_ids on public.company_dismissals using gin (company_ids);

create procedure private.add_dismissal_rules(
  table_name text, column_name text, referenced_table text
)
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    $sql$
      alter table public.%1$I enable row level security;
      create policy "members read" on public.%1$I for select to authenticated
        using (workspace_id = (select private.workspace_id()));
      create policy "members insert" on public.%1$I for insert to authenticated
        with check (workspace_id = (select private.workspace_id()));
      create policy "members update" on public.%1$I for update to authenticated
        using (workspace_id = (select private.workspace_id()))
        with check (workspace_id = (select private.workspace_id()));
      create policy "members delete" on public.%1$I for delete to authenticated
        using (workspace_id = (select private.workspace_id()));
      grant select, update, delete on public.%1$I to authenticated;
      call private.add_identity_triggers(%1$L);
      call private.add_audit_triggers(%1$L);
      call private.add_trash_triggers(%1$L);
      create trigger "10_set_workspace" before insert on public.%1$I
        for each row when (new.workspace_id is null) execute function private.set_workspace();
      create trigger "30_set_dismissed_by" before insert or update on public.%1$I
        for each row execute function private.set_dismissed_by();
      create trigger "90_set_updated_at" before update on public.%1$I
        for each row execute function private.set_updated_at();
      create trigger check_ids_inserted after insert on public.%1$I
        referencing new table as new_rows
        for each statement execute function private.check_references(%2$L, %3$L);
      create trigger check_ids_updated after update on public.%1$I
        referencing old table as old_rows new table as new_rows
        for each statement execute function private.check_references(%2$L, %3$L);
      create trigger "21_remove_dismissals" after delete on public.%3$I
        referencing old table as deleted
        for each statement execute function private.remove_references(%1$L, %2$L);
    $sql$,
    table_name, column_name, referenced_table
  );
end
$$;
comment on procedure private.add_dismissal_rules(text, text, text) is
  'Adds the policies, grants and triggers of a table of dismissals.';

call private.add_dismissal_rules('contact_dismissals', 'contact_ids', 'contacts');
call private.add_dismissal_rules('company_dismissals', 'company_ids', 'companies');

-- Pairs -----------------------------------------------------------------------------------------

create function private.contact_duplicates(p_record_id bigint default null)
returns table (
  id bigint, other_id bigint, score real, reasons text[], dismissed_by bigint,
  dismissed_at timestamptz
)
language plpgsql stable security definer
set search_path = ''
-- The plan follows the number of pairs.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  ids bigint[];
  other_ids bigint[];
begin
  if p_record_id is null then
    select array_agg(p.id), array_agg(p.other_id) into ids, other_ids
    from private.all_pairs(caller_workspace, 'contacts') p;
  else
    select array_agg(p.id), array_agg(p.other_id) into ids, other_ids
    from private.pairs_of(caller_workspace, 'contacts', p_record_id) p;
  end if;
  return query
    with pairs as (
      select p.id, p.other_id from unnest(ids, other_ids) as p (id, other_id)
    ), profiles as materialized (
      select
        c.contact_id as id, c.company_id, c.profile,
        (c.profile).emails, (c.profile).phones,
        left((c.profile).given, 60) as given, left((c.profile).family, 60) as family,
        least(char_length((c.profile).given), char_length((c.profile).family)) < 2
          or concat((c.profile).given, (c.profile).family) like '% %' as has_irregular_name
      from private.contact_profiles c
      where c.contact_id in (select p.id from pairs p union select p.other_id from pairs p)
    ), compared as materialized (
      -- Most pairs have one word in common and differ in the other. This leaves them out at once: the
      -- first names or the last names are not similar, also when one record has them swapped.
      select p.id, p.other_id, a.profile as a, b.profile as b,
        coalesce(a.company_id = b.company_id, false) as same_company
      from pairs p
      join profiles a on a.id = p.id
      join profiles b on b.id = p.other_id
      cross join lateral (
        select
          greatest(2, greatest(char_length(a.given), char_length(b.given)) * 3 / 10) as given,
          greatest(2, greatest(char_length(a.family), char_length(b.family)) * 3 / 10) as family,
          greatest(2, greatest(char_length(a.given), char_length(b.family)) * 3 / 10) as crossed,
          greatest(2, greatest(char_length(a.family), char_length(b.given)) * 3 / 10) as swapped
      ) as far
      where a.emails operator(pg_catalog.&&) b.emails
        or a.phones operator(pg_catalog.&&) b.phones
        or a.has_irregular_name
        or b.has_irregular_name
        or extensions.levenshtein_less_equal(a.given, b.given, far.given) <= far.given
          and extensions.levenshtein_less_equal(a.family, b.family, far.family) <= far.family
        or extensions.levenshtein_less_equal(a.given, b.family, far.crossed) <= far.crossed
          and extensions.levenshtein_less_equal(a.family, b.given, far.swapped) <= far.swapped
    ), matches as materialized (
      select p.id, p.other_id, match.score, match.reasons
      from compared p
      cross join lateral private.contact_match(p.a, p.b, p.same_company) as match
      where match.reasons <> '{}'
    ), dismissed as (
      select distinct on (1, 2)
        least(d.contact_ids[1], d.contact_ids[2]) as id,
        greatest(d.contact_ids[1], d.contact_ids[2]) as other_id,
        d.dismissed_by, d.created_at
      from public.contact_dismissals d
      where d.workspace_id = caller_workspace and cardinality(d.contact_ids) = 2
      order by 1, 2, d.id
    )
    select m.id, m.other_id, m.score, m.reasons, d.dismissed_by, d.created_at
    from matches m
    left join dismissed d on d.id = m.id and d.other_id = m.other_id;
end
$$;
comment on function private.contact_duplicates(bigint) is
  'Returns the pairs of contacts of the caller''s workspace that may be duplicates, dismissed pairs '
  'included: all of them, or those of one contact. id is the smaller id.';
grant execute on function private.contact_duplicates(bigint) to authenticated;

create function private.company_duplicates(p_record_id bigint default null)
returns table (
  id bigint, other_id bigint, score real, reasons text[], dismissed_by bigint,
  dismissed_at timestamptz
)
language plpgsql stable security definer
set search_path = ''
-- The plan follows the number of pairs.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  ids bigint[];
  other_ids bigint[];
begin
  if p_record_id is null then
    select array_agg(p.id), array_agg(p.other_id) into ids, other_ids
    from private.all_pairs(caller_workspace, 'companies') p;
  else
    select array_agg(p.id), array_agg(p.other_id) into ids, other_ids
    from private.pairs_of(caller_workspace, 'companies', p_record_id) p;
  end if;
  return query
    with pairs as (
      select p.id, p.other_id from unnest(ids, other_ids) as p (id, other_id)
    ), profiles as materialized (
      select
        c.id, c.city,
        array_to_string(private.company_words(c.name), ' ') as name,
        private.website_domain(c.website::text) as domain
      from public.companies c
      where c.workspace_id = caller_workspace
        and c.id in (select p.id from pairs p union select p.other_id from pairs p)
    ), matches as materialized (
      select p.id, p.other_id, match.score, match.reasons
      from pairs p
      join profiles a on a.id = p.id
      join profiles b on b.id = p.other_id
      cross join lateral private.company_match(
        a.name, a.domain, a.city, b.name, b.domain, b.city
      ) as match
      where match.reasons <> '{}'
    ), dismissed as (
      select distinct on (1, 2)
        least(d.company_ids[1], d.company_ids[2]) as id,
        greatest(d.company_ids[1], d.company_ids[2]) as other_id,
        d.dismissed_by, d.created_at
      from public.company_dismissals d
      where d.workspace_id = caller_workspace and cardinality(d.company_ids) = 2
      order by 1, 2, d.id
    )
    select m.id, m.other_id, m.score, m.reasons, d.dismissed_by, d.created_at
    from matches m
    left join dismissed d on d.id = m.id and d.other_id = m.other_id;
end
$$;
comment on function private.company_duplicates(bigint) is
  'Returns the pairs of companies of the caller''s workspace that may be duplicates, dismissed '
  'pairs included: all of them, or those of one company. id is the smaller id.';
grant execute on function private.company_duplicates(bigint) to authenticated;

-- Further pages ---------------------------------------------------------------------------------

-- The first page finds all pairs. The request of the second one stores them, so that each further page
-- only reads its part. They are kept for ten minutes; then the next page finds them again.

create table private.duplicate_searches (
  id uuid primary key default gen_random_uuid(),
  workspace_id uuid not null references public.workspaces (id) on delete cascade,
  table_name text not null,
  filters text not null,
  found_at timestamptz not null default now()
);
comment on table private.duplicate_searches is 'Pairs that were found a short time ago.';
comment on column private.duplicate_searches.id is 'Assigned by the database.';
comment on column private.duplicate_searches.workspace_id is 'The workspace of the records.';
comment on column private.duplicate_searches.table_name is 'The table of the records.';
comment on column private.duplicate_searches.filters is 'What the gateway asked for, as a text.';
comment on column private.duplicate_searches.found_at is 'When the pairs were found.';

create index ix__duplicate_searches__workspace_id
  on private.duplicate_searches (workspace_id, filters, found_at desc);
create index ix__duplicate_searches__found_at on private.duplicate_searches (found_at);

alter table private.duplicate_searches enable row level security;
create policy "service role only" on private.duplicate_searches for all to service_role
  using (true)
  with check (true);

create table private.duplicate_search_pairs (
  search_id uuid not null references private.duplicate_searches (id) on delete cascade,
  rank real not null,
  id bigint not null,
  other_id bigint not null,
  reasons text[] not null,
  dismissed_by bigint,
  dismissed_at timestamptz,
  primary key (search_id, rank, id, other_id)
);
comment on table private.duplicate_search_pairs is 'The pairs of a search, best first.';
comment on column private.duplicate_search_pairs.search_id is 'The search that found the pair.';
comment on column private.duplicate_search_pairs.rank is 'The negative score.';
comment on column private.duplicate_search_pairs.id is 'The smaller id of the pair.';
comment on column private.duplicate_search_pairs.other_id is 'The greater id of the pair.';
comment on column private.duplicate_search_pairs.reasons is 'Why the records may be the same.';
comment on column private.duplicate_search_pairs.dismissed_by is 'The member who dismissed the pair.';
comment on column private.duplicate_search_pairs.dismissed_at is 'When the pair was dismissed.';

alter table private.duplicate_search_pairs enable row level security;
create policy "service role only" on private.duplicate_search_pairs for all to service_role
  using (true)
  with check (true);

create function private.find_duplicate_search(p_filters text)
returns uuid
language sql stable security definer
set search_path = ''
as $$
  select s.id
  from private.duplicate_searches s
  where s.workspace_id = (select private.workspace_id())
    and s.filters = p_filters
    and s.found_at > now() - interval '10 minutes'
  order by s.found_at desc
  limit 1
$$;
comment on function private.find_duplicate_search(text) is
  'Returns the last search of the caller''s workspace with these filters, when its pairs are stored.';
grant execute on function private.find_duplicate_search(text) to authenticated;

create function private.store_duplicate_search(
  p_table_name text, p_filters text, p_min_score real, p_reasons text[], p_dismissed boolean
)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  caller_workspace constant uuid := private.workspace_id();
  search_id uuid;
begin
  -- Another request may be deleting them.
  delete from private.duplicate_searches s
  where s.id in (
    select old.id
    from private.duplicate_searches old
    where old.found_at <= now() - interval '10 minutes'
      or old.workspace_id = caller_workspace and old.filters = p_filters
    for update skip locked
  );
  insert into private.duplicate_searches (workspace_id, table_name, filters)
  values (caller_workspace, p_table_name, p_filters)
  returning duplicate_searches.id into search_id;
  execute format(
    $sql$
      insert into private.duplicate_search_pairs (
        search_id, rank, id, other_id, reasons, dismissed_by, dismissed_at
      )
      select $1, -found.score, found.id, found.other_id, found.reasons, found.dismissed_by,
        found.dismissed_at
      from private.%I() as found
      where found.score >= $2
        and ($3 is null or found.reasons operator(pg_catalog.&&) $3)
        and (found.dismissed_at is not null) = $4
      order by -found.score, found.id, found.other_id
    $sql$,
    case p_table_name when 'contacts' then 'contact_duplicates' else 'company_duplicates' end
  )
  using search_id, p_min_score, p_reasons, p_dismissed;
  return search_id;
end
$$;
comment on function private.store_duplicate_search(text, text, real, text[], boolean) is
  'Finds the pairs of the caller''s workspace and stores them. Deletes older searches.';
grant execute on function private.store_duplicate_search(text, text, real, text[], boolean)
  to authenticated;

create function private.stored_pairs(
  p_search_id uuid, p_score real, p_id bigint, p_other_id bigint, p_max_pairs integer
)
returns table (
  id bigint, other_id bigint, score real, reasons text[], dismissed_by bigint,
  dismissed_at timestamptz
)
language plpgsql stable security definer
set search_path = ''
as $$
declare
  -- Null when the search is not of the caller's workspace.
  records constant text := (
    select s.table_name
    from private.duplicate_searches s
    where s.id = p_search_id and s.workspace_id = (select private.workspace_id())
  );
begin
  if records is null then
    return;
  end if;
  return query execute format(
    $sql$
      select p.id, p.other_id, -p.rank, p.reasons, p.dismissed_by, p.dismissed_at
      from private.duplicate_search_pairs p
      where p.search_id = $1
        and (p.rank, p.id, p.other_id) > (-$2, $3, $4)
        -- A record may have been deleted or merged since.
        and exists (select from public.%1$I r where r.id = p.id)
        and exists (select from public.%1$I r where r.id = p.other_id)
      order by p.rank, p.id, p.other_id
      limit $5
    $sql$,
    records
  )
  using p_search_id, p_score, p_id, p_other_id, p_max_pairs;
end
$$;
comment on function private.stored_pairs(uuid, real, bigint, bigint, integer) is
  'Returns the next pairs of a search of the caller''s workspace, best first.';
grant execute on function private.stored_pairs(uuid, real, bigint, bigint, integer)
  to authenticated;
