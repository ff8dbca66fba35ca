/**
 * Resources, and the operations that they have in common. `get`, `create`, `update`, `remove`,
 * `restore` and `bulk` each return an operation of a resource. Differences are passed as arguments.
 * Files outside this folder import this file only.
 */
import * as z from "zod";
import { booleanText, idParams, includeQuery, nothing, recordId } from "../fields.ts";
import {
  type Allowed,
  type BodyForm,
  type Declaration,
  type Input,
  type Operation,
  read,
  type Reply,
  write,
  type WriteContext,
} from "../operation.ts";
import type { ProblemCode } from "../problem.ts";
import { BULK_DESCRIPTION, BulkResult, runBulk } from "./bulk.ts";
import { type BulkChange, type BulkInput, bulkInput, oneOfForms } from "./bulkInput.ts";
import {
  createRecord,
  deleteRecord,
  followRecord,
  getRecord,
  restoreRecord,
  type StoredRecords,
  updateRecord,
} from "./record.ts";

export { runBulk } from "./bulk.ts";
export type { BulkChange, BulkInput } from "./bulkInput.ts";
export {
  createRecord,
  deleteRecord,
  findGone,
  getRecord,
  missingRecords,
  notTheOwner,
  readBack,
  requireMatch,
  restoreRecord,
  setColumns,
  type StoredRecords,
  updateRecord,
} from "./record.ts";

/** Fields of every record. */
export interface RecordFields {
  id: number;
  updated_at: string;
}

/** The data of a resource that its operations need. */
export interface Resource<
  Row extends RecordFields = RecordFields,
  Create extends z.ZodType = z.ZodType,
  Change extends z.ZodObject = z.ZodObject,
> extends StoredRecords<Row> {
  /** Name with its article, for the documents: `a contact`. */
  title: string;
  /** Column of the owner. Without one, only managers and admins delete and restore. */
  owner?: string;
  /** Column of the record that it belongs to, so that deleting that record deletes it too. */
  parent?: string;
  /** Whether a record cannot be without the record that it belongs to. */
  parentRequired?: true;
  /** Whether records can be merged, so that a deleted record may have a successor. */
  mergeable?: true;
  /** Whether deleted records are gone, instead of in the trash. */
  withoutTrash?: true;
  /** Schema of a record. */
  record: z.ZodType<Row, Row>;
  /** Schema of a new record. */
  input: Create;
  /** Schema of a change. */
  patch: Change;
  /** Problems of invalid values in a new or changed record. */
  problems: readonly ProblemCode[];
}

/** Defines a resource. The name of its table is also the first segment of its paths. */
export function resource<
  Row extends RecordFields,
  Create extends z.ZodType,
  Change extends z.ZodObject,
>(definition: Resource<Row, Create, Change>): Resource<Row, Create, Change> {
  return definition;
}

type Documentation = Partial<
  Pick<Declaration, "summary" | "description" | "problems" | "allowed" | "keys">
>;

/** The members of an operation that differ from those of other resources. */
interface Differences<Body extends z.ZodType, Result, Params = { id: number }>
  extends Documentation {
  example?: z.input<Body>;
  query?: z.ZodType;
  /** Replaces the schema of the record, which it extends. */
  output?: z.ZodType;
  run?: (
    context: WriteContext,
    input: Input<Params, unknown, z.output<Body>>,
  ) => Promise<Result>;
}

/** Returns the operation `GET /<table>/:id`. */
export function get<Row extends RecordFields>(
  of: Resource<Row>,
  documentation: Documentation = {},
): Operation {
  return read({
    id: `${of.table}.get`,
    method: "GET",
    path: `/${of.table}/:id`,
    summary: `Get ${of.title}`,
    access: "member",
    params: idParams,
    query: getQuery(of),
    output: of.record,
    ...documentation,
    problems: [...inTrash(of), ...documentation.problems ?? []],
    run: ({ sql }, { params, query }) => {
      const read = query?.follow_merged ? followRecord : getRecord;
      return read(sql, of, params.id, query?.include);
    },
  });
}

const followMerged = booleanText.optional().describe(
  "`true`: instead of a merged record, the answer is the record that it was merged into, with its " +
    "address in `Content-Location`.",
);

/** Returns the schema of the query of `get`: what the resource allows of `include` and `follow_merged`. */
function getQuery<Row>(
  { list, mergeable }: Pick<Resource<Row & RecordFields>, "list" | "mergeable">,
): z.ZodType<{ include?: string[]; follow_merged?: boolean } | undefined> | undefined {
  const [first, ...others] = list.parameters.includes;
  const follow = z.object({ follow_merged: followMerged });
  if (first === undefined) return mergeable && follow;
  const include = includeQuery([first, ...others]);
  return mergeable ? include.extend(follow.shape) : include;
}

/** Returns the operation `POST /<table>`. */
export function create<
  Row extends RecordFields,
  Create extends z.ZodType,
  Change extends z.ZodObject,
>(
  of: Resource<Row, Create, Change>,
  differences: Differences<Create, Row, unknown> & { example: z.input<Create> },
): Operation {
  const ownership = of.owner && `Default of \`${of.owner}\`: the caller.`;
  return write({
    id: `${of.table}.create`,
    method: "POST",
    path: `/${of.table}`,
    summary: `Create ${of.title}`,
    access: "member",
    body: of.input,
    output: of.record,
    status: 201,
    location: (output) => `${of.table}/${Object(output).id}`,
    run: ({ sql }, { body }) => createRecord(sql, of, Object(body)),
    ...differences,
    description: sentences(ownership, differences.description),
    problems: [...of.problems, ...differences.problems ?? []],
  });
}

/** Returns the operation `PATCH /<table>/:id`, with `If-Match`. */
export function update<
  Row extends RecordFields,
  Create extends z.ZodType,
  Change extends z.ZodObject,
>(
  of: Resource<Row, Create, Change>,
  differences: Differences<Change, Row> & { example: z.input<Change> },
): Operation {
  return write({
    id: `${of.table}.update`,
    method: "PATCH",
    path: `/${of.table}/:id`,
    summary: `Change ${of.title}`,
    access: "member",
    restricted: of.owner ? { [of.owner]: "owner" } : undefined,
    ifMatch: true,
    params: idParams,
    body: of.patch,
    output: of.record,
    run: ({ sql }, { params, body, ifMatch }) => updateRecord(sql, of, params.id, body, ifMatch),
    ...differences,
    description: sentences(
      "Omitted fields keep their value; `null` clears. With `If-Match` the record changes only when " +
        "its ETag matches.",
      differences.description,
    ),
    problems: [
      ...inTrash(of),
      ...(of.owner ? ["owner_change_not_allowed" as const] : []),
      ...of.problems,
      ...differences.problems ?? [],
    ],
  });
}

/**
 * Returns the operation `DELETE /<table>/:id`, with `If-Match`. It moves the record to the trash.
 */
export function remove<Row extends RecordFields>(
  of: Resource<Row>,
  differences: Differences<z.ZodType, void> = {},
): Operation {
  return write({
    id: `${of.table}.delete`,
    method: "DELETE",
    path: `/${of.table}/:id`,
    summary: `Move ${of.title} to the trash`,
    access: "member",
    allowed: managedBy(of),
    ifMatch: true,
    params: idParams,
    output: nothing,
    status: 204,
    run: ({ sql }, { params, ifMatch }) => deleteRecord(sql, of, params.id, ifMatch),
    ...differences,
    description: sentences(differences.description, "A repeated request succeeds."),
  });
}

/** Body of a request that restores a record of a parent. */
export const RestoreInput = z.strictObject({
  parent_id: recordId.optional().describe(
    "Id of the record that it belongs to from now on. Default: the former one, or the one that it " +
      "was merged into.",
  ),
}).default({}).meta({ id: "RestoreInput" });

/** The problems that the parent of a restored record can cause. */
export const PARENT_PROBLEMS: readonly ProblemCode[] = [
  "parent_deleted",
  "parent_purged",
  "unknown_reference",
];

/** Returns the operation `POST /<table>/:id/restore`. It restores the record from the trash. */
export function restore<Row extends RecordFields>(
  of: Resource<Row>,
  documentation: Documentation = {},
): Operation {
  return write({
    id: `${of.table}.restore`,
    method: "POST",
    path: `/${of.table}/:id/restore`,
    summary: `Restore ${of.title} from the trash`,
    access: "member",
    allowed: managedBy(of),
    params: idParams,
    body: of.parent ? RestoreInput : undefined,
    example: of.parent ? {} : undefined,
    output: of.record,
    run: ({ sql }, { params, body }) => restoreRecord(sql, of, params.id, body?.parent_id),
    ...documentation,
    description: sentences(
      documentation.description ?? "Also restores the records that were deleted with it.",
      "A repeated request succeeds.",
    ),
    problems: [
      // Without an owner, other members are refused before.
      ...(of.owner ? ["restore_not_allowed" as const] : []),
      ...parentProblems(of),
      ...(of.mergeable ? ["merged" as const] : []),
      ...documentation.problems ?? [],
    ],
  });
}

/** The form of a bulk's body that has the records themselves. */
export interface BulkRecords<Body extends { records: unknown[] }> extends BodyForm {
  body: z.ZodType<Body>;
  problems: readonly ProblemCode[];
  /** Creates and changes the records of a body of this form. */
  run(context: WriteContext, body: Body): Promise<Reply>;
}

/**
 * Returns the operation `POST /<table>/bulk`. It changes or deletes up to 1,000 records; with
 * `records` it also creates and changes those of its body.
 */
export function bulk<
  Row extends RecordFields,
  Create extends z.ZodType,
  Change extends z.ZodObject,
  Records extends { records: unknown[] },
>(
  of: Resource<Row, Create, Change>,
  {
    changes,
    run = ({ sql }, { body }) => runBulk(sql, of, body, changes),
    problems = [],
    records,
    example,
  }: {
    example: BulkInput;
    problems?: readonly ProblemCode[];
    /** A change that this resource has beside `set`. */
    changes?: BulkChange;
    run?: (context: WriteContext, input: { body: BulkInput }) => Promise<Reply>;
    records: BulkRecords<Records>;
  },
): Operation {
  const selected = { body: bulkInput(of, changes), output: BulkResult, example };
  return write({
    id: `${of.table}.bulk`,
    method: "POST",
    path: `/${of.table}/bulk`,
    summary: `Create, change or delete many ${of.table}`,
    description: BULK_DESCRIPTION,
    access: "member",
    restricted: { delete: managedBy(of), ...(of.owner && { [`set.${of.owner}`]: "owner" }) },
    dryRun: "body",
    body: oneOfForms(selected.body, records.body),
    output: z.union([selected.output, records.output]),
    forms: [selected, records],
    recordsIn: (body) => hasRecords<Records>(body) ? body.records.length : body.ids?.length,
    multiStatus: true,
    example,
    problems: [
      "too_many_records",
      ...(of.list.parameters.searchable ? ["search_too_slow" as const] : []),
      "not_found",
      "owner_change_not_allowed",
      ...of.problems,
      ...problems,
      ...records.problems,
    ],
    run: (context, { body }) =>
      hasRecords<Records>(body) ? records.run(context, body) : run(context, { body }),
  });
}

/** Only the form with records has the field. */
function hasRecords<Records extends object>(body: BulkInput | Records): body is Records {
  return "records" in body;
}

function managedBy({ owner }: Pick<Resource, "owner">): Allowed {
  return owner ? "owner" : "manager";
}

function parentProblems({ parent, parentRequired }: Pick<Resource, "parent" | "parentRequired">) {
  if (!parent) return [];
  return PARENT_PROBLEMS.filter((code) => parentRequired || code !== "parent_purged");
}

function inTrash(
  { mergeable, withoutTrash }: Pick<Resource, "mergeable" | "withoutTrash">,
): ProblemCode[] {
  if (withoutTrash) return [];
  return mergeable ? ["deleted", "merged"] : ["deleted"];
}

function sentences(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part).join(" ");
}
