-- contacts.email_jsonb is always an array, its addresses trimmed and lower-cased. A bare string or
-- object, as older clients send them, becomes its only element; nothing is lost.

create function private.normalize_emails()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if jsonb_typeof(new.email_jsonb) = 'null' then
    new.email_jsonb := null;
    return new;
  end if;
  new.email_jsonb := (
    select coalesce(jsonb_agg(
      case
        when jsonb_typeof(element) = 'string' then
          jsonb_build_object('email', lower(btrim(element #>> '{}')), 'type', 'Work')
        when jsonb_typeof(element -> 'email') = 'string' then
          jsonb_set(element, '{email}', to_jsonb(lower(btrim(element ->> 'email'))))
        else element
      end
      order by position
    ), '[]')
    from jsonb_array_elements(
      case jsonb_typeof(new.email_jsonb)
        when 'array' then new.email_jsonb
        else jsonb_build_array(new.email_jsonb)
      end
    ) with ordinality as elements (element, position)
  );
  return new;
end
$$;
comment on function private.normalize_emails() is
  'Makes email_jsonb an array with normalised addresses, whatever was sent. Nothing is lost.';

-- Most addresses are of small letters, digits and these few characters, and need no change.
create trigger "30_normalize_emails"
  before insert or update of email_jsonb on public.contacts
  for each row
  when (
    jsonb_typeof(new.email_jsonb) <> 'array'
    or jsonb_path_exists(new.email_jsonb, '$[*] ? (!(@.email like_regex "^[a-z0-9@._+-]*$"))')
  )
  execute function private.normalize_emails();
