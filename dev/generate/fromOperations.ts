/** Files derived from the operations: the OpenAPI document, the SDK, the reference. */
import { descriptions } from "../../supabase/functions/api/descriptions.ts";
import { openApiDocument } from "../../supabase/functions/_shared/openapi/document.ts";
import "../../supabase/functions/api/problems.ts";
import { allOperations } from "../../supabase/functions/api/resources.ts";
import { VERSION } from "../../supabase/functions/api/version.ts";
import { emitClient } from "./client.ts";
import { readDocument } from "./document.ts";
import { addExamples, readExamples } from "./examples.ts";
import { compactJson, formatted } from "./formatted.ts";
import { postmanCollection, postmanEnvironment } from "./postman.ts";
import { operationsPage, permissionsPage, problemsPage } from "./reference.ts";
import { emitQueryOptions } from "./queryOptions.ts";
import { emitResourceFacts } from "./resourceFacts.ts";
import { emitTypes } from "./sdkTypes.ts";

/** Returns the files: path below the repository's root → text. */
export async function generateFromOperations(): Promise<Record<string, string>> {
  const operations = await allOperations();
  const document = openApiDocument(operations, VERSION, descriptions);
  const described = await readDocument(document);
  const examples = await readExamples();
  addExamples(document, examples);
  return {
    "client-sdk/openapi.json": await formatted(compactJson(document), "json"),
    "client-sdk/src/generated/types.ts": await formatted(await emitTypes(described.schemas), "ts"),
    "client-sdk/src/generated/client.ts": await formatted(emitClient(described), "ts"),
    "client-sdk/src/generated/queryOptions.ts": await formatted(emitQueryOptions(described), "ts"),
    "docs/postman/portico.postman_collection.json": await formatted(
      compactJson(postmanCollection(described.operations, examples)),
      "json",
    ),
    "docs/postman/portico.postman_environment.json": await formatted(
      compactJson(postmanEnvironment()),
      "json",
    ),
    "client-sdk/src/generated/resources.ts": await formatted(emitResourceFacts(described), "ts"),
    "docs/reference/operations.md": await formatted(operationsPage(operations), "md"),
    "docs/reference/problems.md": await formatted(problemsPage(operations), "md"),
    "docs/reference/permissions.md": await formatted(await permissionsPage(operations), "md"),
  };
}
