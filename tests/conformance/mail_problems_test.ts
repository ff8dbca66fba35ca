/** What every operation that mails answers when the mail is refused. */
import { assertEquals } from "@std/assert";
import { problemsOf } from "../../supabase/functions/_shared/facts.ts";
import type { ProblemCode } from "../../supabase/functions/_shared/problem.ts";
import { assertProblem } from "../support/answers.ts";
import { type AppUnderTest, withApp } from "../support/app.ts";
import { type CallOptions, requestTo } from "../support/operations.ts";
import { operations } from "../support/registry.ts";
import { startServerProxy } from "../support/serverProxy.ts";
import {
  type Answer,
  createWorkspace,
  freshEmail,
  refuseMail,
  test,
  type Workspace,
} from "../support/workspace.ts";

/** A request that mails, and the address that the mail goes to. */
interface Mailing extends CallOptions {
  email: string;
}

const person = () => ({ email: freshEmail(), first_name: "Grace", last_name: "Hopper" });

/** Operation → makes a request to it that mails. */
const MAILINGS: Record<string, (workspace: Workspace) => Promise<Mailing> | Mailing> = {
  "users.invite": invitation,
  "users.resend_invite": invited,
  "users.update": async (workspace) => {
    const { id } = await invited(workspace);
    const email = freshEmail();
    return { id, email, body: { email } };
  },
  "users.reset_password": joined,
  "atomic.create_user": invitation,
  "atomic.update_user": async (workspace) => {
    const { id } = await invited(workspace);
    const email = freshEmail();
    return { email, body: { sales_id: id, email } };
  },
  "atomic.update_password": async (workspace) => {
    const { id, email } = await joined(workspace);
    return { email, body: { sales_id: id } };
  },
};

function invitation(): Mailing {
  const body = person();
  return { email: body.email, body };
}

async function invited({ admin }: Workspace): Promise<Mailing> {
  const { body } = await admin.api.post("/users", person());
  return { id: body.id, email: body.email };
}

async function joined({ addMember }: Workspace): Promise<Mailing> {
  const { id, email } = await addMember("rep");
  return { id, email };
}

/** Sends a request of each operation that can answer a code. */
async function mailings(
  app: AppUnderTest,
  code: ProblemCode,
  prepare: (email: string) => Promise<void> | void,
): Promise<[answer: Answer, repeated: () => Promise<Answer>][]> {
  const able = operations.filter((operation) => problemsOf(operation).has(code));
  assertEquals(able.map(({ id }) => id).sort(), Object.keys(MAILINGS).sort());
  const workspace = await createWorkspace();
  const answers: [Answer, () => Promise<Answer>][] = [];
  for (const operation of able) {
    const mailing = await MAILINGS[operation.id]?.(workspace);
    await prepare(mailing?.email ?? "");
    const { path, init } = requestTo(operation, { ...mailing, token: workspace.admin.token });
    answers.push([await app.send(path, init), () => app.send(path, init)]);
  }
  return answers;
}

test("every operation that mails answers 502 when the mail server refuses the mail, and can be repeated", async () => {
  await withApp({ rateLimit: 0 }, async (app) => {
    for (const [answer, repeated] of await mailings(app, "mail_failed", refuseMail)) {
      assertProblem(answer, 502, "mail_failed");
      const { status, body } = await repeated();
      assertEquals(status < 300, true, JSON.stringify(body));
    }
  });
});

test("every operation that mails answers 429 when too many mails were sent, and can be repeated", async () => {
  await using proxy = await startServerProxy();
  await withApp({ supabaseUrl: proxy.url, rateLimit: 0 }, async (app) => {
    proxy.watch(1, "limited", true);
    const refused = await mailings(app, "auth_rate_limited", () => {});
    proxy.watch();
    for (const [answer, repeated] of refused) {
      assertProblem(answer, 429, "auth_rate_limited");
      assertEquals(answer.headers.get("Retry-After"), "60");
      const { status, body } = await repeated();
      assertEquals(status < 300, true, JSON.stringify(body));
    }
  });
});
