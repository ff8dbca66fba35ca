/** Runs of jobs, with the secret key. */
import { type Answer, api, stack } from "../../support/workspace.ts";

/** The job that empties the trash of what is old. */
export const PURGE_TRASH = "/jobs/purge_trash";

/** The job that forgets idempotency keys that have expired. */
export const PURGE_KEYS = "/jobs/purge_idempotency_keys";

/** Asks for a run of a job. */
export function run(path: string): Promise<Answer> {
  return api().post(path, undefined, { apikey: stack.secretKey });
}
