/** Runs of jobs, with the secret key. */
import { type Answer, api, stack } from "../../support/workspace.ts";

/** The job that purges old rows of the trash. */
export const PURGE_TRASH = "/jobs/purge_trash";

/** The job that deletes expired idempotency keys. */
export const PURGE_KEYS = "/jobs/purge_idempotency_keys";

/** Requests a run of a job. */
export function run(path: string): Promise<Answer> {
  return api().post(path, undefined, { apikey: stack.secretKey });
}
