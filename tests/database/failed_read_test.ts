/** A read that fails while its statements run leaves no transaction on the connection. */
import { assertEquals } from "@std/assert";
import { withApp } from "../support/app.ts";
import { createWorkspace, stack, test } from "../support/workspace.ts";

test("a read that fails while a statement runs leaves no open transaction", async () => {
  const { admin } = await createWorkspace();
  const [first, second] = await Promise.all(
    ["A", "B"].map((name) => admin.api.post("/companies", { name })),
  );
  await admin.api.patch(`/companies/${first?.body.id}`, { city: "London" });
  const { body } = await admin.api.get(`/companies/${first?.body.id}/history?limit=1`);
  const foreign = `/api/companies/${second?.body.id}/history?limit=1&cursor=${body.next_cursor}`;
  await withApp({ databaseConnections: 1 }, async ({ send }) => {
    const headers = { Authorization: `Bearer ${admin.token}` };
    for (let round = 0; round < 10; round++) {
      assertEquals((await send(foreign, { headers })).status, 400);
      const job = await send("/api/jobs/purge_idempotency_keys", {
        method: "POST",
        headers: { apikey: stack.secretKey },
      });
      assertEquals(job.status, 200, JSON.stringify(job.body));
    }
  });
});
