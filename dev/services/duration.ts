/** Durations in the format of Go, which Supabase Auth uses for `ban_duration`. */

const MILLISECONDS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * Milliseconds of a Go duration ("87600h", "1h30m", "300ms", "-5s", "0"); null for other text.
 * Source: https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | null {
  const sign = text.startsWith("-") ? -1 : 1;
  const rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  const parts = [...rest.matchAll(PART)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== rest) return null;
  return sign * parts.reduce((sum, part) => sum + milliseconds(part), 0);
}

function milliseconds([, number, unit = ""]: RegExpExecArray): number {
  return Number(number) * (MILLISECONDS[unit] ?? NaN);
}
