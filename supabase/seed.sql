-- Data for local databases, applied after the migrations by `supabase db push --include-seed` and
-- `supabase db reset`. Empty on purpose: a workspace begins with its first sign-up.
select 1;
