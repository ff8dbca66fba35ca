/** The OpenAPI document: descriptions, statuses and problems of every operation. */
import { assertEquals, assertMatch } from "@std/assert";
import * as z from "zod";
import { problemsOf, routeOf } from "../../supabase/functions/_shared/facts.ts";
import { openApiDocument } from "../../supabase/functions/_shared/openapi/document.ts";
import { problemType } from "../../supabase/functions/_shared/problem.ts";
import { operations } from "../support/registry.ts";

const reference = z.object({ $ref: z.string() });
const parameter = z.object({
  name: z.string(),
  description: z.string().default(""),
  schema: z.looseObject({ description: z.string().optional() }),
});
const described = z.object({
  parameters: z.array(z.union([reference, parameter])),
  responses: z.record(z.string(), z.union([reference, z.looseObject({})])),
});
const problem = z.object({
  content: z.object({
    "application/problem+json": z.object({
      schema: z.object({
        allOf: z.tuple([
          reference,
          z.object({
            properties: z.looseObject({ code: z.object({ enum: z.array(z.string()) }) }),
          }),
        ]),
      }),
    }),
  }),
});
const { paths, components } = z.object({
  paths: z.record(z.string(), z.record(z.string(), described)),
  components: z.object({
    parameters: z.record(z.string(), parameter),
    responses: z.record(z.string(), problem),
  }),
}).parse(openApiDocument(operations, "0.0.0"));

const nameOf = ({ $ref }: { $ref: string }) => $ref.split("/").at(-1) ?? "";

for (const operation of operations) {
  const path = routeOf(operation).replace(/:(\w+)/g, "{$1}");
  const document = paths[path]?.[operation.method.toLowerCase()];

  Deno.test(`document: ${operation.id} describes its parameters, once, on the parameter`, () => {
    for (const item of document?.parameters ?? []) {
      const found = "$ref" in item ? components.parameters[nameOf(item)] : item;
      assertMatch(found?.description ?? "", /^[A-Z`].*[.]$/s, found?.name);
      assertEquals(found?.schema.description, undefined, found?.name);
    }
  });

  Deno.test(`document: ${operation.id} lists its problems by status`, () => {
    const listed = Object.entries(document?.responses ?? {}).flatMap(([status, response]) => {
      if (!("$ref" in response)) return [];
      const [, narrowed] = components.responses[nameOf(reference.parse(response))]
        ?.content["application/problem+json"].schema.allOf ?? [];
      return (narrowed?.properties.code.enum ?? []).map((code) => `${status} ${code}`);
    });
    const expected = [...problemsOf(operation)].map((code) => `${problemType(code)[0]} ${code}`);
    assertEquals(listed.toSorted(), expected.toSorted());
  });
}
