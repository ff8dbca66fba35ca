/** The rate limit: its headers, and one quota over all isolates. */
import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { assertProblem } from "../support/answers.ts";
import { present } from "../support/exactly.ts";
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

/** Sends a bulk of contacts. */
function post(app: AppUnderTest, member: TestMember, body: unknown): Promise<Answer> {
  return app.send("/api/contacts/bulk", {
    method: "POST",
    headers: { Authorization: `Bearer ${member.token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
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

test("rateLimit counts a bulk as one request for every 20 records, before it begins", async () => {
  await withApp({ rateLimit: 10 }, async (app) => {
    const { answers, records } = await withinOneWindow(async (member) => {
      const bulk = (count: number) =>
        post(app, member, { records: Array.from({ length: count }, () => ({})) });
      const given = [
        await bulk(20),
        await bulk(21),
        await bulk(120),
        await bulk(121),
        await me(app, member),
      ];
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from public.contacts where sales_id = ${member.id}`;
      return { answers: given, records: row?.count };
    });
    assertEquals(answers.map(({ status }) => status), [200, 200, 200, 429, 429]);
    assertEquals(answers.map(remaining), [9, 7, 1, 0, 0]);
    assertEquals(records, 161);
    assertProblem(present(answers[3], "answer"), 429, "rate_limited");
  });
});

test("rateLimit counts a bulk by ids before it begins, and by a filter as many records as it finds", async () => {
  await withApp({ rateLimit: 20 }, async (app) => {
    const answers = await withinOneWindow(async (member) => {
      const contacts = Array.from({ length: 45 }, () => ({ status: "cold" }));
      const made = await post(app, member, { records: contacts });
      const ids = made.body.data.map(({ id }: { id: number }) => id);
      const filter = { filter: { status: "warm" } };
      return [
        made,
        await post(app, member, { ids, set: { status: "warm" } }),
        await post(app, member, { ...filter, set: { status: "hot" } }),
        await post(app, member, { ...filter, set: { status: "hot" } }),
        await post(app, member, { all: true, delete: true }),
      ];
    });
    assertEquals(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
    assertEquals(answers.map(remaining), [17, 14, 11, 10, 7]);
  });
});

test("rateLimit lets a bulk of more records than a window has requests take a whole window", async () => {
  await withApp({ rateLimit: 3 }, async (app) => {
    const body = { records: Array.from({ length: 1_000 }, () => ({})) };
    const answers = await withinOneWindow(async (member) => [
      await post(app, member, body),
      await me(app, member),
    ]);
    assertEquals(answers.map(({ status }) => status), [200, 429]);
  });
});

test("rateLimit keeps what a refused bulk leaves for smaller requests, over two isolates", async () => {
  await withApp({ rateLimit: 10 }, (one) =>
    withApp({ rateLimit: 10 }, async (other) => {
      const statuses = await withinOneWindow(async (member) => {
        const bulk = { records: Array.from({ length: 140 }, () => ({})) };
        const given = [await post(one, member, bulk), await post(other, member, bulk)];
        for (let times = 0; times < 3; times++) given.push(await me(other, member));
        return given.map(({ status }) => status);
      });
      assertEquals(statuses, [200, 429, 200, 200, 429]);
    }));
});
