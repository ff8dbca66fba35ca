/**
 * The schemas of the configuration: Atomic CRM's settings under their names, and `closedStages`. Further
 * keys, which only a frontend uses, are stored unchanged.
 */
import * as z from "zod";
import { dryRun } from "../../_shared/fields.ts";

/** A value of the configuration. The database checks that the configuration has it. */
export const configured = z.string().trim().min(1, "Use a value of the configuration.").max(500);

const MAXIMUM_CHOICES = 100;

const slug = z.string().max(100)
  .regex(
    /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/,
    "Use lower-case letters and digits, separated by - or _.",
  );

/** A choice in a form. Records store `value`, and the frontend shows `label`. */
const Choice = z.strictObject({
  value: slug,
  label: z.string().trim().min(1, "Use a label.").max(200),
}).meta({ id: "Choice" });

const NoteStatus = z.strictObject({
  ...Choice.shape,
  color: z.string().regex(
    /^#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i,
    "Use a colour such as #7dbde8.",
  ),
}).meta({ id: "NoteStatus" });

function choices<Item extends z.ZodType<{ value: string }>>(item: Item, minimum = 0) {
  return z.array(item).min(minimum, "Use at least one item.").max(MAXIMUM_CHOICES)
    .superRefine((items, context) => {
      items.forEach(({ value }, index) => {
        if (items.findIndex((other) => other.value === value) === index) return;
        const message = "Use each value once.";
        context.addIssue({ code: "custom", path: [index, "value"], message });
      });
    });
}

const stageNames = z.array(slug).max(MAXIMUM_CHOICES);

const ClosedStages = z.strictObject({ won: stageNames, lost: stageNames })
  .refine(({ won, lost }) => !won.some((stage) => lost.includes(stage)), {
    path: ["lost"],
    message: "A stage is either won or lost.",
  });

const currency = z.string().regex(/^[A-Z]{3}$/, "Use a code of ISO 4217, such as EUR.")
  .refine(isCurrency, "Use a code of ISO 4217, such as EUR.");

const logo = z.string().trim().max(22_000);

/** A change of the configuration. `null` resets a key to its default. */
const ConfigPatch = z.looseObject({
  title: z.string().trim().min(1, "Use a title.").max(200).nullish(),
  lightModeLogo: logo.nullish(),
  darkModeLogo: logo.nullish(),
  currency: currency.nullish(),
  companySectors: choices(Choice).nullish(),
  dealCategories: choices(Choice).nullish(),
  dealStages: choices(Choice, 1).nullish(),
  dealPipelineStatuses: stageNames.nullish()
    .describe("Stages that the charts of the frontend count as won."),
  closedStages: ClosedStages.nullish()
    .describe("Stages in which a deal is won or lost. A deal in them has a closing date."),
  noteStatuses: choices(NoteStatus).nullish(),
  taskTypes: choices(Choice).nullish(),
}).meta({ id: "ConfigPatch" });
export type ConfigPatch = z.output<typeof ConfigPatch>;

export const ConfigurationPatch = z.strictObject({
  config: ConfigPatch.optional(),
  reassign_to: z.record(z.string().max(500), slug).optional()
    .describe("Removed stage → remaining stage that its deals move to."),
  dry_run: dryRun,
}).meta({ id: "ConfigurationPatch" });
export type ConfigurationPatch = z.output<typeof ConfigurationPatch>;

/** Atomic CRM's clients store items without validation, so answers allow any field in one. */
const StoredChoices = z.array(z.looseObject({ value: z.string(), label: z.string() }));

const Config = z.looseObject({
  title: z.string(),
  lightModeLogo: z.string(),
  darkModeLogo: z.string(),
  currency: z.string(),
  companySectors: StoredChoices,
  dealCategories: StoredChoices,
  dealStages: StoredChoices,
  dealPipelineStatuses: z.array(z.string()),
  closedStages: z.object({ won: z.array(z.string()), lost: z.array(z.string()) }),
  noteStatuses: StoredChoices,
  taskTypes: StoredChoices,
}).meta({ id: "Config" });

export const Configuration = z.object({
  id: z.literal(1),
  config: Config,
  updated_at: z.string(),
}).meta({ id: "Configuration" });
export type Configuration = z.output<typeof Configuration>;

export const ConfigurationChange = Configuration.extend({
  reassigned: z.record(z.string(), z.int()).describe(
    "Removed stage → number of deals that moved to another stage.",
  ),
}).meta({ id: "ConfigurationChange" });
export type ConfigurationChange = z.output<typeof ConfigurationChange>;

/** Checks against the runtime's list, which comes from the Unicode CLDR. */
function isCurrency(code: string): boolean {
  return Intl.supportedValuesOf("currency").includes(code);
}
