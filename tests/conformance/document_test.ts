/** The OpenAPI document: descriptions, statuses and problems of every operation. */
import { assertEquals, assertMatch } from "@std/assert";
import * as z from "zod";
import { problemsOf, routeOf } from "../../supabase/functions/_shared/facts.ts";
import { descriptions } from "../../supabase/functions/api/descriptions.ts";
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
const whole = openApiDocument(operations, "0.0.0", descriptions);
const { paths, components } = z.object({
  paths: z.record(z.string(), z.record(z.string(), described)),
  components: z.looseObject({
    parameters: z.record(z.string(), parameter),
    responses: z.record(z.string(), problem),
  }),
}).parse(whole);

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

/** Returns the addresses of the properties without a description in a part of the document. */
function undescribed(part: unknown, at = ""): string[] {
  if (typeof part !== "object" || part === null) return [];
  const properties = z.object({ properties: z.record(z.string(), z.looseObject({})) })
    .safeParse(part).data?.properties ?? {};
  const ofPart = Object.entries(properties).filter(([, { description }]) => !description)
    .map(([name]) => `${at}/${name}`);
  const below = Object.entries(part).filter(([name]) => name !== "example")
    .flatMap(([name, value]) => undescribed(value, `${at}/${name}`));
  return [...ofPart, ...below];
}

Deno.test("document: every property of a request and of an answer has a description", () => {
  const { schemas } = z.object({ schemas: z.unknown() }).parse(components);
  assertEquals(undescribed({ schemas, paths }), []);
});

Deno.test("document: every resource has a sentence", () => {
  const { tags } = z.object({
    tags: z.array(z.object({ name: z.string(), description: z.string().optional() })),
  }).parse(whole);
  for (const { name, description } of tags) assertMatch(description ?? "", /^[A-Z].*[.]$/, name);
});
