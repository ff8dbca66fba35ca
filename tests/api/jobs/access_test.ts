/** jobs: the secret key. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { withApp } from "../../support/app.ts";
import { api, createWorkspace, stack, test } from "../../support/workspace.ts";
import { PURGE_KEYS, PURGE_TRASH } from "./run.ts";

test("jobs accept only the secret key, as apikey or as bearer", async () => {
  const { admin } = await createWorkspace();
  for (const path of [PURGE_TRASH, PURGE_KEYS]) {
    assertProblem(await api().post(path), 401, "secret_key_missing");
    assertProblem(await admin.api.post(path), 401, "secret_key_invalid");
    for (const apikey of [stack.publishableKey, `${stack.secretKey}x`, stack.secretKey.slice(1)]) {
      assertProblem(await api().post(path, undefined, { apikey }), 401, "secret_key_invalid");
    }
    const asAdmin = await admin.api.post(path, undefined, { apikey: stack.secretKey });
    assertEquals(asAdmin.status, 200);
    assertEquals((await api(stack.secretKey).post(path)).status, 200);
  }
});

test("jobs accept every secret key of the project, so that one can replace another", async () => {
  const acceptedSecretKeys = [stack.secretKey, "sb_secret_next"];
  await withApp({ acceptedSecretKeys }, async (app) => {
    for (const [apikey, status] of [[stack.secretKey, 200], ["sb_secret_next", 200], ["x", 401]]) {
      const init = { method: "POST", headers: { apikey: String(apikey) } };
      assertEquals((await app.send(`/api${PURGE_KEYS}`, init)).status, status);
    }
  });
});

test("jobs answer 405 to GET", async () => {
  const answer = await api().get(PURGE_TRASH, { apikey: stack.secretKey });
  assertProblem(answer, 405, "method_not_allowed");
});
