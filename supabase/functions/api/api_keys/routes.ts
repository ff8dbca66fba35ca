/** The operations on API keys. A key never manages keys, whatever its role is. */
import { idParams } from "../../_shared/fields.ts";
import { list, type Operation, write } from "../../_shared/operation.ts";
import { createRecord, get, update, updateRecord } from "../../_shared/records/records.ts";
import { apiKeys, withNewSecret } from "./queries.ts";
import { revokeApiKey } from "./revoke.ts";
import { ApiKeyInput, ApiKeyWithSecret, endOfOverlap, RotateInput } from "./schema.ts";

const byAdmins = { allowed: "admin", keys: false } as const;

const make = write({
  id: "api_keys.create",
  method: "POST",
  path: "/api_keys",
  summary: "Make an API key",
  description:
    "`secret` of the answer is the key. It is shown once. The key is a member of its own, with the " +
    "`role`; `scopes` narrow what it may call. The undo revokes it.",
  access: "member",
  ...byAdmins,
  body: ApiKeyInput,
  example: { name: "Website form", role: "rep", scopes: ["contacts:read", "contacts:write"] },
  output: ApiKeyWithSecret,
  shownOnce: "secret",
  status: 201,
  location: ({ id }) => `api_keys/${id}`,
  run: async ({ sql }, { body }) => {
    const { id } = await createRecord(sql, apiKeys, body);
    return await withNewSecret(sql, id, new Date().toISOString());
  },
});

const rotate = write({
  id: "api_keys.rotate",
  method: "POST",
  path: "/api_keys/:id/rotate",
  summary: "Give an API key a new secret",
  description:
    "`secret` of the answer is the new secret. It is shown once. The present secrets work until " +
    "`old_expires_at`. The undo is refused, since no secret returns.",
  access: "member",
  ...byAdmins,
  params: idParams,
  body: RotateInput,
  example: {},
  output: ApiKeyWithSecret,
  shownOnce: "secret",
  run: async ({ sql }, { params: { id }, body }) => {
    await updateRecord(sql, apiKeys, id, { rotated_at: new Date().toISOString() });
    return await withNewSecret(sql, id, endOfOverlap(body));
  },
});

export const operations: readonly Operation[] = [
  list({
    id: "api_keys.list",
    path: "/api_keys",
    summary: "List the API keys of the workspace",
    description: "Without their secrets. Revoked keys are not listed; the activity names them.",
    ...byAdmins,
    of: apiKeys.list,
  }),
  get(apiKeys, byAdmins),
  make,
  update(apiKeys, { ...byAdmins, example: { name: "Website form 2" } }),
  rotate,
  revokeApiKey,
];
