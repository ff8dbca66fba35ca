/** The rate limit: its headers, and one quota over all isolates. */
import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import {
  type Answer,
  createWorkspace,
  headerOf,
  sql,
  test,
  type TestMember,
} from "../support/workspace.ts";

const WINDOW_MILLISECONDS = 60_000;

function me(app: AppUnderTest, member: TestMember): Promise<Answer> {
  return app.send("/api/me", { headers: { Authorization: `Bearer ${member.token}` } });
}

/** Runs work within one window, with a new member. Repeats it when the window has changed. */
async function withinOneWindow<T>(work: (member: TestMember) => Promise<T>): Promise<T> {
  for (;;) {
    const { admin } = await createWorkspace();
    const window = () => Math.floor(Date.now() / WINDOW_MILLISECONDS);
    const before = window();
    const result = await work(admin);
    if (window() === before) return result;
  }
}

function remaining(answer: Answer): number {
  return Number(/;r=(\d+);/.exec(headerOf(answer, "RateLimit"))?.[1] ?? NaN);
}

test("rateLimit counts down, then answers 429 with Retry-After", async () => {
  await withApp({ rateLimit: 5 }, async (app) => {
    const answers = await withinOneWindow(async (member) => {
      const given: Answer[] = [];
      for (let times = 0; times < 7; times++) given.push(await me(app, member));
      return given;
    });
    assertEquals(answers.map(({ status }) => status), [200, 200, 200, 200, 200, 429, 429]);
    assertEquals(answers.map(remaining), [4, 3, 2, 1, 0, 0, 0]);
    for (const { headers } of answers) {
      assertEquals(headers.get("RateLimit-Policy"), '"default";q=5;w=60');
      const seconds = Number(/;t=(\d+)$/.exec(headerOf({ headers }, "RateLimit"))?.[1]);
      assertGreaterOrEqual(seconds, 1);
      assertLessOrEqual(seconds, 60);
    }
    for (const refused of answers.slice(5)) {
      assertProblem(refused, 429, "rate_limited");
      const seconds = Number(refused.headers.get("Retry-After"));
      assertGreaterOrEqual(seconds, 1);
      assertLessOrEqual(seconds, 60);
    }
  });
});

test("rateLimit accepts exactly the quota over two isolates, also at the same time", async () => {
  for (const quota of [10, 100]) {
    await withApp({ rateLimit: quota }, (one) =>
      withApp({ rateLimit: quota }, async (other) => {
        const statuses = await withinOneWindow(async (member) => {
          // Each isolate could use up the quota alone, so that no lease keeps a rest.
          const requests = Array.from({ length: quota + 30 }, () => [one, other]).flat()
            .map((app) => me(app, member));
          return (await Promise.all(requests)).map(({ status }) => status);
        });
        assertEquals(statuses.filter((status) => status === 200).length, quota);
        assertEquals(statuses.filter((status) => status === 429).length, quota + 60);
      }));
  }
});

test("rateLimit counts each caller separately, and 0 means unlimited", async () => {
  await withApp({ rateLimit: 1 }, async (app) => {
    const members = await withinOneWindow(async (member) => {
      const { admin: other } = await createWorkspace();
      return [await me(app, member), await me(app, member), await me(app, other)];
    });
    assertEquals(members.map(({ status }) => status), [200, 429, 200]);
  });
  await withApp({ rateLimit: 0 }, async (app) => {
    const { admin } = await createWorkspace();
    const answer = await me(app, admin);
    assertEquals([answer.status, answer.headers.get("RateLimit")], [200, null]);
  });
});

test("rateLimit gives the whole quota in a new window", async () => {
  const realNow = Date.now;
  await withApp({ rateLimit: 2 }, async (app) => {
    await withinOneWindow(async (member) => {
      for (let times = 0; times < 3; times++) await me(app, member);
      assertEquals((await me(app, member)).status, 429);
      // Moves the window back by a minute, in the database and on this isolate's clock.
      await sql`
        update gateway.rate_limits set window_start = window_start - interval '1 minute'
        where key = ${member.user_id}`;
      try {
        Date.now = () => realNow() + WINDOW_MILLISECONDS;
        assertEquals((await me(app, member)).status, 200);
      } finally {
        Date.now = realNow;
      }
    });
  });
});

test("rateLimit takes little of the quota for each isolate that a caller reaches", async () => {
  const quota = 600;
  const used = await withinOneWindow(async (member) => {
    for (let isolate = 0; isolate < 10; isolate++) {
      await withApp({ rateLimit: quota }, async (app) => {
        assertEquals((await me(app, member)).status, 200);
      });
    }
    const [row] = await sql<{ used: number }[]>`
      select used from gateway.rate_limits where key = ${member.user_id}`;
    return row?.used ?? 0;
  });
  assertGreaterOrEqual(used, 10);
  assertLessOrEqual(used, 30);
});
