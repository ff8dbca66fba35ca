/** The operations on the configuration. */
import { type Operation, read } from "../../_shared/operation.ts";
import { getConfiguration } from "./queries.ts";
import { Configuration } from "./schema.ts";
import { updateConfiguration } from "./update.ts";

const get = read({
  id: "configuration.get",
  method: "GET",
  path: "/configuration",
  summary: "Get the configuration",
  description:
    "Stages, categories, sectors, note statuses, task types, currency, title and logos. A key that " +
    "the workspace has not stored has its default.",
  access: "member",
  output: Configuration,
  run: ({ sql }) => getConfiguration(sql),
});

export const operations: readonly Operation[] = [get, updateConfiguration];
