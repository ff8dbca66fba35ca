/** Makes API keys for tests. */
import { assertEquals } from "@std/assert";
import { type Answer, type Api, api, type Workspace } from "../../support/workspace.ts";

/** A key, and requests with it as a bearer. */
export interface TestKey {
  id: number;
  secret: string;
  api: Api;
  /** The answer to its creation. */
  made: Answer;
}

/** Makes a key as the workspace's admin. Default: a rep with every scope. */
export async function makeKey({ admin }: Workspace, body: object = {}): Promise<TestKey> {
  const made = await admin.api.post("/api_keys", { name: "Zapier", role: "rep", ...body });
  assertEquals(made.status, 201, JSON.stringify(made.body));
  const { id, secret } = made.body;
  return { id, secret, api: api(secret), made };
}
