/**
 * The registry: prefix of a path → the module with the operations below it. A module loads on the first
 * request. The routes, the documents, the SDK and the tests are derived from this list.
 */
import type { Operation } from "../_shared/operation.ts";

/** Prefix of a path, relative to the function's URL → function that loads the operations below it. */
export type Resources = Readonly<
  Record<string, () => Promise<{ operations: readonly Operation[] }>>
>;

export const resources: Resources = {
  "/api": () => import("./system/routes.ts"),
  "/api/health": () => import("./system/routes.ts"),
  "/api/ready": () => import("./system/routes.ts"),
  "/api/openapi.json": () => import("./system/routes.ts"),
  "/api/me": () => import("./me/routes.ts"),
  "/api/users": () => import("./users/routes.ts"),
  "/api/api_keys": () => import("./api_keys/routes.ts"),
  "/api/companies": () => import("./companies/routes.ts"),
  "/api/contacts": () => import("./contacts/routes.ts"),
  "/api/tags": () => import("./tags/routes.ts"),
  "/api/search": () => import("./search/routes.ts"),
  "/api/deals": () => import("./deals/routes.ts"),
  "/api/configuration": () => import("./configuration/routes.ts"),
  "/api/changes": () => import("./changes/routes.ts"),
  "/api/merges": () => import("./merges/routes.ts"),
  "/api/activity": () => import("./activity/routes.ts"),
  "/api/trash": () => import("./trash/routes.ts"),
  "/api/imports": () => import("./imports/routes.ts"),
  "/api/jobs": () => import("./jobs/routes.ts"),
  "/api/tasks": () => import("./tasks/routes.ts"),
  "/api/contact_notes": () => import("./contact_notes/routes.ts"),
  "/api/deal_notes": () => import("./deal_notes/routes.ts"),
  "/api/attachments": () => import("./attachments/routes.ts"),
  "/users": () => import("./atomic/routes.ts"),
  "/merge_contacts": () => import("./atomic/routes.ts"),
  "/update_password": () => import("./atomic/routes.ts"),
  "/delete_note_attachments": () => import("./atomic/routes.ts"),
};

/** Loads the operations below a prefix. Returns none when the registry has no such prefix. */
export async function loadOperations(
  registry: Resources,
  prefix: string,
): Promise<readonly Operation[]> {
  return Object.hasOwn(registry, prefix) ? (await registry[prefix]?.())?.operations ?? [] : [];
}

/** Loads all operations, in the order of the registry. */
export async function allOperations(
  registry: Resources = resources,
): Promise<readonly Operation[]> {
  const modules = await Promise.all(Object.values(registry).map((load) => load()));
  return [...new Set(modules)].flatMap(({ operations }) => operations);
}
