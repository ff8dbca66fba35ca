/** An environment in which the function starts and answers `GET /health`, without any service. */
export const BOOT_ENVIRONMENT = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_DB_URL: "postgresql://postgres:postgres@127.0.0.1:9/postgres",
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_boot"}',
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_boot"}',
  JWT_SECRET: "a-secret-for-the-boot-check-that-signs-nothing",
};
