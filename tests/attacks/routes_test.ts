/** Odd paths: 404 or 405 as a problem, and no chain of their own for each. */
import { assert, assertEquals } from "@std/assert";
import { createApp } from "../../supabase/functions/api/app.ts";
import { testSettings, withApp } from "../support/app.ts";
import { createWorkspace, test } from "../support/workspace.ts";

const PATHS = [
  "/api/constructor",
  "/api/__proto__",
  "/api/hasOwnProperty",
  "/api//contacts",
  "//api/contacts",
  "/api/contacts%2f1",
  "/api/contacts%2F..%2Fusers",
  "/api/%63ontacts",
  "/%61pi/contacts",
  "/api/contacts/",
  "/api/contacts/1/",
  "/api/contacts/%00",
  "/api/contacts/%ff",
  "/api/contacts/%E0%A4%A",
  "/api/contacts;v=1",
  "/api/contacts/__proto__",
  "/api/contacts/1/constructor",
  "/api/contacts/../jobs",
  "/api/jobs/%2e%2e/contacts",
  "/users/1/2",
  "/users/constructor",
  "/merge_contacts/x",
  "/update_password/x",
  "/constructor",
  "/__proto__",
  "/",
  "",
  "/api/",
  `/api/${"x".repeat(100_000)}`,
  `/api/contacts/${"9".repeat(5_000)}`,
  `/api${"/x".repeat(10_000)}`,
];

test("odd paths are no failure, and lead nowhere without a token", async () => {
  const { admin } = await createWorkspace();
  await withApp({}, async ({ send }) => {
    for (const path of PATHS) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE2"]) {
        const anonymous = await send(path, { method });
        const label = `${method} ${path.slice(0, 60)}: ${anonymous.status}`;
        assert([204, 400, 401, 404, 405].includes(anonymous.status), label);
        const headers = { Authorization: `Bearer ${admin.token}` };
        const member = await send(path, { method, headers });
        assert(member.status < 500, `${method} ${path.slice(0, 60)}: ${member.status}`);
      }
    }
  });
});

test("addresses that nobody serves share one chain", async () => {
  const loaded: string[] = [];
  const resources = new Proxy({}, {
    getOwnPropertyDescriptor(_, name) {
      loaded.push(String(name));
      return undefined;
    },
  });
  const app = createApp(await testSettings(), { resources, log: () => {} });
  for (let index = 0; index < 200; index++) {
    const response = await app.fetch(new Request(`http://localhost/api/unknown-${index}`));
    await response.body?.cancel();
  }
  assertEquals(loaded.filter((name) => name === "").length, 1);
  await app.close();
});
