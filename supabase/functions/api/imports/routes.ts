/** The operations on imports. */
import { list, type Operation } from "../../_shared/operation.ts";
import { createImport } from "./create.ts";
import { inspectImport } from "./inspect.ts";
import { readImport, rejectedRows } from "./progress.ts";
import { importsList } from "./queries.ts";
import { cancelImport, changeImport, removeImport, runImport, undoImport } from "./run.ts";

export const operations: readonly Operation[] = [
  list({ id: "imports.list", path: "/imports", summary: "List imports", of: importsList }),
  createImport,
  readImport,
  changeImport,
  cancelImport,
  removeImport,
  inspectImport,
  runImport,
  rejectedRows,
  undoImport,
];
