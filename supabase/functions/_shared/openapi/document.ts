/**
 * Derives the OpenAPI 3.1 document from the operations. Schemas, parameters, headers and problems
 * that operations share become components.
 */
import { allowedOf, allowedPhrase, RECORDS_PER_REQUEST, routeOf, scopeOf } from "../facts.ts";
import { LIST_OPERATORS, type Listing } from "../list/list.ts";
import type { BodyForm, Operation } from "../operation.ts";
import { parametersOf, QUERY_LANGUAGE, sharedParameters } from "./parameters.ts";
import { problemSchema, responsesOf, sharedHeaders } from "./responses.ts";
import { describeFields, type Descriptions, type Json, toSchema } from "./schemas.ts";

const TITLE = "Portico";
const DESCRIPTION = [
  "REST API of a CRM on Supabase.",
  "Sign in with Supabase Auth: `POST <project>/auth/v1/token?grant_type=password` with the header " +
  "`apikey` (the publishable key) and the body `{email, password}`. Send `access_token` of the " +
  "answer as a bearer. Before `expires_in` seconds are over, get the next one with " +
  "`grant_type=refresh_token` and the body `{refresh_token}`.",
  "Programs send an API key instead, in `X-Api-Key` or as a bearer. `x-scope` of an operation is the " +
  "scope that the key needs, or `null` when keys may not call it.",
  QUERY_LANGUAGE,
].join("\n\n");
const SIGN_IN = "Access token of Supabase Auth. See the description of this document.";
const API_KEY = "An API key of a workspace: `ptc_…`. It can also be sent as a bearer.";
const SECRET_KEY = "The project's secret key, for schedulers.";
/** The address of the local stack. */
const LOCAL_PROJECT = "http://127.0.0.1:54321";

/** Sentences for the document about an API's resources. */
export interface ApiDescriptions {
  /** Resource → what it is about. */
  resources: Readonly<Record<string, string>>;
  /** Returns the descriptions of the fields of a resource that have none in their schema. */
  fieldsOf(resource: string): Descriptions;
}

/**
 * Returns the document of these operations. `project` is the address of the Supabase project; without
 * one, the document leaves it to its reader.
 */
export function openApiDocument(
  operations: readonly Operation[],
  version: string,
  { resources, fieldsOf }: ApiDescriptions,
  project?: string,
): Json {
  const schemas: Json = { Problem: problemSchema() };
  const responses: Json = {};
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = routeOf(operation).replace(/:(\w+)/g, "{$1}");
    const known = new Set(Object.keys(schemas));
    const described = describe(operation, schemas, responses);
    const added = Object.entries(schemas).filter(([name]) => !known.has(name));
    describeFields([described, ...added], fieldsOf(resourceOf(operation)));
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: TITLE,
      version,
      description: DESCRIPTION,
      contact: { name: TITLE },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [serverOf(project)],
    security: [{ bearer: [] }],
    tags: [...new Set(operations.map(resourceOf))].map((name) => ({
      name,
      description: resources[name],
    })),
    // Kind of a field's value → operators that the field takes as `field@op`.
    "x-operators": LIST_OPERATORS,
    paths,
    components: componentsOf(schemas, responses),
  };
}

function componentsOf(schemas: Json, responses: Json): Json {
  return {
    schemas,
    parameters: sharedParameters(),
    headers: sharedHeaders(),
    responses,
    securitySchemes: {
      bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: SIGN_IN },
      api_key: { type: "apiKey", in: "header", name: "X-Api-Key", description: API_KEY },
      secret_key: { type: "apiKey", in: "header", name: "apikey", description: SECRET_KEY },
    },
  };
}

function serverOf(project: string | undefined): Json {
  if (project !== undefined) return { url: `${project}/functions/v1` };
  const description = "Address of the Supabase project, such as https://abc.supabase.co.";
  return {
    url: "{project}/functions/v1",
    variables: { project: { default: LOCAL_PROJECT, description } },
  };
}

function resourceOf(operation: Operation): string {
  return operation.id.split(".")[0] ?? "";
}

function describe(operation: Operation, schemas: Json, responses: Json): Json {
  const { id, summary, access, restricted } = operation;
  const scope = scopeOf(operation);
  return {
    operationId: id,
    tags: [resourceOf(operation)],
    summary,
    description: descriptionOf(operation),
    "x-access": access,
    ...(access === "member" && { "x-allowed": { operation: allowedOf(operation), ...restricted } }),
    ...(operation.dryRun && { "x-dry-run": operation.dryRun }),
    ...(access === "member" && { "x-scope": scope ?? null }),
    ...(scope !== undefined && { security: [{ bearer: [] }, { api_key: [scope] }] }),
    ...(access === "anyone" && { security: [] }),
    ...(access === "service" && { security: [{ secret_key: [] }] }),
    ...(operation.surface === "atomic" && { "x-surface": "atomic" }),
    ...(operation.kind === "list" && { "x-filters": filtersOf(operation.of) }),
    parameters: parametersOf(operation, schemas),
    ...requestBody(operation, schemas),
    responses: responsesOf(operation, schemas, responses),
  };
}

function descriptionOf(operation: Operation): string {
  const { description, problems = [] } = operation;
  const scope = scopeOf(operation);
  const sentences = [
    description,
    operation.recordsIn &&
    `For the rate limit, every ${RECORDS_PER_REQUEST} records count as one request.`,
    `Allowed to: ${allowedPhrase(operation)}.`,
    scope !== undefined && `API keys need the scope \`${scope}\`.`,
    problems.length > 0 && `Problems: ${problems.map((code) => `\`${code}\``).join(", ")}.`,
  ];
  return sentences.filter((sentence) => sentence).join("\n\n");
}

function requestBody({ body, example, forms }: Operation, schemas: Json): Json {
  if (!body) return {};
  const content = forms ? contentOfForms(forms, schemas) : {
    schema: toSchema(body, "input", schemas),
    ...(example !== undefined && { example }),
  };
  return {
    requestBody: {
      required: !body.safeParse(undefined).success,
      content: { "application/json": content },
    },
  };
}

/** A body has exactly one form. The example of each has its title. */
function contentOfForms(forms: readonly BodyForm[], schemas: Json): Json {
  return {
    schema: { oneOf: forms.map(({ body }) => toSchema(body, "input", schemas)) },
    examples: Object.fromEntries(forms.map(({ body, example }) => {
      const { id = "", title } = body.meta() ?? {};
      return [id, { summary: title, value: example }];
    })),
  };
}

/** Returns the kind of each field's value, for which `x-operators` lists the operators. */
function filtersOf({ parameters }: Listing): Json {
  return Object.fromEntries(
    Object.values(parameters.columns).map(({ name, kind }) => [name, kind]),
  );
}
