/**
 * The real app in the process of the test, for settings that differ from the stack's function:
 * production, other origins, other keys, a small rate limit. It uses the stack's database and auth.
 *
 *     await withApp({ rateLimit: 10 }, async ({ send, lines }) => { … });
 */
import * as z from "zod";
import { collectAnswers } from "../../dev/contractCoverage.ts";
import { functionEnvironment } from "../../dev/functionEnvironment.ts";
import { type App, createApp } from "../../supabase/functions/api/app.ts";
import { readSettings, type Settings } from "../../supabase/functions/_shared/settings.ts";
import { type Answer, answerOf } from "./workspace.ts";

const addressesSchema = z.object({
  apiUrl: z.string(),
  functionUrl: z.string(),
  mailUrl: z.string(),
  databaseUrl: z.string(),
  superuserUrl: z.string(),
  gatewayDatabaseUrl: z.string(),
  publishableKey: z.string(),
  secretKey: z.string(),
  jwtSecret: z.string(),
  answersFile: z.string(),
});

/** A line of the request log. */
export type LogLine = Record<string, unknown>;

/** An app, and the lines of its log. */
export interface AppUnderTest extends App {
  lines: LogLine[];
  /** Sends a request to a path below the function's address: `/api/health`. */
  send(path: string, init?: RequestInit): Promise<Answer>;
}

/** Addresses and keys of the stack. */
export function testAddresses(): z.output<typeof addressesSchema> {
  return addressesSchema.parse(JSON.parse(Deno.env.get("PORTICO_TEST_STACK") ?? "{}"));
}

/** Each process collects an answer once, whichever of its apps has sent it. */
const collect = collectAnswers(testAddresses().answersFile);

/** The settings of the stack's function, with changes. */
export async function testSettings(changes: Partial<Settings> = {}): Promise<Settings> {
  return { ...readSettings(await functionEnvironment(testAddresses())), ...changes };
}

/** Creates an app. The caller closes it. */
export async function appUnderTest(changes: Partial<Settings> = {}): Promise<AppUnderTest> {
  const lines: LogLine[] = [];
  const settings = await testSettings(changes);
  const log = (line: LogLine) => {
    lines.push(line);
    collect(line);
  };
  const app = createApp(settings, { log, checkAnswers: true });
  return {
    ...app,
    lines,
    send: async (path, init) =>
      answerOf(await app.fetch(new Request(`http://localhost${path}`, init))),
  };
}

/** Runs work with an app, and closes it. */
export async function withApp(
  changes: Partial<Settings>,
  work: (app: AppUnderTest) => Promise<void>,
): Promise<void> {
  const app = await appUnderTest(changes);
  try {
    await work(app);
  } finally {
    await app.close();
  }
}
