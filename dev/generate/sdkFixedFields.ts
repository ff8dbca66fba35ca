/** The fields of records that no change can set, which the SDK leaves out of the body. */
import type { ApiDocument, Described } from "./document.ts";
import { bodySchema, referenced, resultType } from "./sdkResults.ts";

/** The fixed fields of all records. */
export interface FixedFields {
  schemas: ApiDocument["schemas"];
  /** Declares the fields that are fixed in every record that has them. */
  declaration: string;
  /** Returns the expression for the fixed fields of a change; undefined for other operations. */
  of(operation: Described): string | undefined;
}

/** Finds the fixed fields: what records have, and the bodies of their changes have not. */
export function fixedFields(
  resources: Map<string, Described[]>,
  schemas: ApiDocument["schemas"],
): FixedFields {
  const changes = [...resources.values()].flatMap((operations) => {
    const records = operations.filter(({ operationId }) =>
      /[.](get|create|update)$/.test(operationId)
    );
    const fields = records.flatMap((record) => propertiesOf(resultType(record), schemas));
    return operations.filter(({ method }) => method === "patch").map((operation) => {
      const settable = propertiesOf(referenced(bodySchema(operation)), schemas);
      const fixed = new Set(fields.filter((field) => !settable.includes(field)));
      return { operation, settable, fixed: [...fixed] };
    });
  });
  const settable = new Set(changes.flatMap((change) => change.settable));
  const always = new Set(
    changes.flatMap(({ fixed }) => fixed).filter((name) => !settable.has(name)),
  );
  return {
    schemas,
    declaration: `/** Fields that no change can set. */\nconst FIXED = "${[...always].join(" ")}";`,
    of(operation) {
      const change = changes.find((candidate) => candidate.operation === operation);
      if (!change || change.fixed.length === 0) return undefined;
      const further = change.fixed.filter((name) => !always.has(name));
      return further.length > 0 ? `FIXED + " ${further.join(" ")}"` : "FIXED";
    },
  };
}

function propertiesOf(type: string | undefined, schemas: ApiDocument["schemas"]): string[] {
  return Object.keys(schemas[type ?? ""]?.properties ?? {});
}
