/**
 * A Postman collection (format 2.1.0) and its environment, from the OpenAPI document.
 *
 * Each operation is one request with its example. Ids in it are variables: the request that creates a
 * record keeps its id for the requests that follow, so that the whole collection runs in its order.
 * https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
 */
import type { Described } from "./document.ts";
import type { Examples } from "./examples.ts";
import { AFTER_EACH, AFTER_SIGN_IN, BEFORE_EACH, PREPARATIONS } from "./postmanScripts.ts";

const SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

interface Item {
  name: string;
  request: Record<string, unknown>;
  event?: Record<string, unknown>[];
  response?: Record<string, unknown>[];
}

/** A variable of the environment: its name, what it is, and its value on the local stack. */
const VARIABLES: readonly [name: string, description: string, value?: string][] = [
  ["project_url", "Address of the Supabase project", "http://127.0.0.1:54321"],
  ["publishable_key", "The project's publishable key"],
  ["email", "Your address"],
  ["password", "Your password"],
  ["user_id", "Id of another user who has joined your workspace"],
  ["secret_key", "The project's secret key, for jobs alone"],
  ["access_token", "Set by Sign in"],
  ["refresh_token", "Set by Sign in"],
  ["expires_at", "Set by Sign in: seconds since 1970"],
];
const SECRETS = ["password", "secret_key", "access_token", "refresh_token"];

/** Keys of bodies whose values are ids → the variables that take their place. */
const REFERENCES: Record<string, string | string[]> = {
  contact_id: "contact_id",
  deal_id: "deal_id",
  sales_id: "user_id",
  winnerId: "contact_id",
  loserId: "other_contact_id",
};

/** Folders whose singular is not their name without an s. */
const SINGULAR: Record<string, string> = { companies: "company", trash: "trash" };

/** Operations that end what others of their folder need. They come last, in this order. */
const LAST = ["undo", "delete", "offboard", "restore", "cancel", "purge", "empty"];

/** Returns the environment. Values of the local stack stand in it where they are always the same. */
export function postmanEnvironment(): Record<string, unknown> {
  return {
    name: "Portico",
    values: VARIABLES.map(([key, description, value = ""]) => ({
      key,
      value,
      description,
      type: SECRETS.includes(key) ? "secret" : "default",
      enabled: true,
    })),
    _postman_variable_scope: "environment",
  };
}

/** Returns the collection, with one folder for each resource. */
export function postmanCollection(
  operations: Described[],
  examples: Examples,
): Record<string, unknown> {
  const folders = Map.groupBy(operations, ({ operationId }) => operationId.split(".")[0] ?? "");
  return {
    info: {
      name: "Portico",
      description: "Set `publishable_key`, `email` and `password` in the environment, and run " +
        "Sign in. The token is refreshed before it expires. A request that creates a record keeps " +
        "its id for the others.",
      schema: SCHEMA,
    },
    auth: bearer(),
    event: [script("prerequest", BEFORE_EACH), script("test", AFTER_EACH)],
    item: [
      signIn(),
      ...[...folders].map(([name, members]) => ({
        name,
        item: members.toSorted((a, b) => rank(a) - rank(b)).flatMap((operation) =>
          itemsOf(operation, examples)
        ),
      })),
    ],
  };
}

function rank({ operationId, path, method }: Described): number {
  const [resource, name = ""] = operationId.split(".");
  if (method === "post" && path === `/api/${resource}`) return -1;
  return LAST.indexOf(name) + 1;
}

function bearer() {
  return { type: "bearer", bearer: [{ key: "token", value: "{{access_token}}", type: "string" }] };
}

function authOf({ security }: Described): Record<string, unknown> | undefined {
  if (!security || security.some((scheme) => "bearer" in scheme)) return undefined;
  if (security.length === 0) return { type: "noauth" };
  const pairs = { key: "apikey", value: "{{secret_key}}", in: "header" };
  return {
    type: "apikey",
    apikey: Object.entries(pairs).map(([key, value]) => ({ key, value, type: "string" })),
  };
}

/** An operation is one request, or one for each form of its body. */
function itemsOf(operation: Described, answers: Examples): Item[] {
  const { operationId, summary, requestBody } = operation;
  const { example, examples } = requestBody?.content["application/json"] ?? {};
  const answer = answers[operationId];
  if (!examples) return [itemOf(operation, summary, example, answer)];
  // The answer is that to the first form.
  return Object.values(examples).map(({ summary: form, value }, index) =>
    itemOf(operation, `${summary}: ${form.toLowerCase()}`, value, index === 0 ? answer : undefined)
  );
}

function itemOf(
  operation: Described,
  name: string,
  example: unknown,
  answer: Examples[string] | undefined,
): Item {
  const { operationId, method, description } = operation;
  const preparation = PREPARATIONS[operationId];
  return {
    name,
    ...(preparation && { event: [script("prerequest", preparation)] }),
    request: {
      method: method.toUpperCase(),
      description,
      ...(authOf(operation) && { auth: authOf(operation) }),
      ...(example === undefined ? { header: [] } : bodyOf(operation, example)),
      url: urlOf(operation),
    },
    ...(answer && { response: [responseOf(answer)] }),
  };
}

function responseOf({ status, body }: Examples[string]): Record<string, unknown> {
  return {
    name: "Example",
    code: status,
    header: [{ key: "Content-Type", value: "application/json" }],
    _postman_previewlanguage: "json",
    body: JSON.stringify(body, null, 2),
  };
}

function bodyOf(operation: Described, example: unknown) {
  const text = JSON.stringify(withVariables(example, operation), null, 2);
  return {
    header: [{ key: "Content-Type", value: "application/json" }],
    // A variable in quotes is an id. Ids in bodies are numbers.
    body: { mode: "raw", raw: text.replace(/"(\{\{\w+_id\}\})"/g, "$1") },
  };
}

/** Puts variables in the place of ids, and makes names and addresses unique. */
function withVariables(value: unknown, operation: Described, key = ""): unknown {
  const variable = REFERENCES[key] ?? (/^(loser_)?ids$/.test(key) ? idsOf(operation) : undefined);
  if (typeof variable === "string") return `{{${variable}}}`;
  if (variable) {
    return (key === "ids" && Array.isArray(value) ? variable.slice(0, value.length) : variable)
      .slice(key === "loser_ids" ? 1 : 0).map((name) => `{{${name}}}`);
  }
  if (Array.isArray(value)) return value.map((item) => withVariables(item, operation));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, withVariables(inner, operation, name)]),
    );
  }
  if (key === "email" && typeof value === "string") return value.replace("@", "-{{$guid}}@");
  if (key === "name" && operation.operationId === "tags.create") return `${value} {{$guid}}`;
  return value;
}

function idsOf(operation: Described): string[] {
  return [variableOf(operation), `other_${variableOf(operation)}`];
}

/** The variable with the id of a folder's record: `contact_id`. */
function variableOf({ operationId }: Described): string {
  if (operationId === "users.resend_invite") return "invited_user_id";
  const [resource = ""] = operationId.split(".");
  return `${SINGULAR[resource] ?? resource.replace(/s$/, "")}_id`;
}

function urlOf(operation: Described): Record<string, unknown> {
  const { path, parameters } = operation;
  const segments = `functions/v1${path}`.split("/").map((part) =>
    part.replace(/^\{(\w+)\}$/, ":$1")
  );
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  return {
    raw: `{{project_url}}/${segments.join("/")}`,
    host: ["{{project_url}}"],
    path: segments,
    query: inQuery.map(({ name, description = "" }) => {
      const value = QUERY_EXAMPLES[`${operation.operationId}?${name}`]?.(operation);
      return { key: name, value: value ?? "", description, disabled: value === undefined };
    }),
    variable: parameters.filter((parameter) => parameter.in === "path").map((
      { name, description = "" },
    ) => ({ key: name, value: `{{${variableOf(operation)}}}`, description })),
  };
}

const bothIds = (operation: Described) => idsOf(operation).map((name) => `{{${name}}}`).join();

/** Query parameters without which the request is refused. */
const QUERY_EXAMPLES: Record<string, (operation: Described) => string> = {
  "search.all?q": () => "ada",
  "contacts.undismiss_duplicate?ids": bothIds,
  "companies.undismiss_duplicate?ids": bothIds,
  "attachments.url?path": () => "{{attachment_path}}",
  "trash.empty?all": () => "true",
};

function script(listen: string, text: string): Record<string, unknown> {
  return { listen, script: { type: "text/javascript", exec: text.split("\n") } };
}

/** The request that signs in with `email` and `password`. */
function signIn(): Item {
  const headers = { apikey: "{{publishable_key}}", "Content-Type": "application/json" };
  return {
    name: "Sign in",
    event: [script("test", AFTER_SIGN_IN)],
    request: {
      method: "POST",
      auth: { type: "noauth" },
      description: "Signs in at Supabase Auth and keeps the tokens.",
      header: Object.entries(headers).map(([key, value]) => ({ key, value })),
      body: {
        mode: "raw",
        raw: JSON.stringify({ email: "{{email}}", password: "{{password}}" }, null, 2),
      },
      url: {
        raw: "{{project_url}}/auth/v1/token?grant_type=password",
        host: ["{{project_url}}"],
        path: ["auth", "v1", "token"],
        query: [{ key: "grant_type", value: "password" }],
      },
    },
  };
}
