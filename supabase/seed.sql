-- Data that `supabase db reset` and `supabase db push --include-seed` insert after the migrations.
-- There is none, because the first sign-up creates a workspace.
select 1;
