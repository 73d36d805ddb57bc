import { z } from "zod";
import { PAUSE_GRACE_MS_MAX } from "../../core/model/clone.ts";
import { durationMs } from "../../core/model/duration.ts";
import { REPORT_CADENCES } from "../../core/model/mission.ts";

export const API_VERSION = "factory/v1";

/** Limits on what people write. Each is far above honest use and far below what would hurt us. */
export const NAME_CHARS_MAX = 80;
export const TEXT_CHARS_MAX = 2_000;
export const OBJECTIVE_CHARS_MAX = 20_000;
export const PATH_CHARS_MAX = 400;
export const LIST_ITEMS_MAX = 200;
export const LABELS_MAX = 64;
export const ENV_VARS_MAX = 200;
export const ENV_VALUE_CHARS_MAX = 8_192;
export const ARGV_ITEMS_MAX = 100;
export const ARGV_CHARS_MAX = 4_096;
/** Thirty days: a mission that runs longer is a service. */
export const RUN_MAX = 1_000_000;
export const RUNTIME_MINUTES_MAX = 43_200;
export const COST_USD_MAX = 1_000_000;
export const LLM_CALLS_MAX = 100_000_000;
export const CHECK_TIMEOUT_SECONDS_MAX = 3_600;
export const PAUSE_GRACE_SECONDS_MAX = PAUSE_GRACE_MS_MAX / 1_000;

/** Names of missions, overlays, baselines, agents, skills, policies, criteria. */
export const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** `factory_<mission>_<yyyymmdd>` (runbook 3.1). */
export const CLONE_NAME_PATTERN =
  /^factory_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?_[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$/;
const VERSIONED_PATTERN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?@[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/;
export const VERSION_PATTERN = /^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/;
/** Relative, forward slashes, no `.` or `..` step, no empty step, nothing below `.git`, no control characters. */
const FILE_PATH_PATTERN =
  /^(?!\/)(?!.*\/$)(?!(?:.*\/)?(?:\.{1,2}|\.git)(?:\/|$))(?!.*\/\/)[^\\\x00-\x1f\x7f]+$/;
const FILE_OR_FOLDER_PATTERN = /^(?!\/)(?!(?:.*\/)?(?:\.{1,2}|\.git)(?:\/|$))(?!.*\/\/)[^\\\x00-\x1f\x7f]+$/;
const COMMIT_PATTERN = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const DURATION_PATTERN = /^[0-9]{1,7}(?:ms|s|m|h|d)$/;
const ENV_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LABEL_KEY_PATTERN = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$/;
const ACTION_PATTERN = /^[a-z][a-z0-9_.:-]*$/;
const HTTP_URL_PATTERN = /^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[^\s]*)?$/;

export const Name = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(NAME_PATTERN)
  .meta({
    description: "Lower-case letters, digits and inner hyphens.",
    examples: ["license-audit"],
  });

export const CloneName = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(CLONE_NAME_PATTERN)
  .meta({
    description: "factory_<mission>_<yyyymmdd>",
    examples: ["factory_license-audit_20261123"],
  });

export const VersionedName = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(VERSIONED_PATTERN)
  .meta({
    description: "A baseline and the version of it: name@major.minor.patch",
    examples: ["ua-core@1.0.0"],
  });

export const Version = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(VERSION_PATTERN)
  .meta({
    description: "Semantic version. Quote it.",
    examples: ["1.0.0"],
  });

export const FilePath = z.string().max(PATH_CHARS_MAX).regex(FILE_PATH_PATTERN).meta({
  description: "Relative path of a file, with forward slashes and without `..`.",
});

export const FileOrFolderPath = z
  .string()
  .max(PATH_CHARS_MAX)
  .regex(FILE_OR_FOLDER_PATTERN)
  .meta({
    description: "Relative path of a file, or of a folder when it ends in `/`.",
    examples: ["package-lock.json", "docs/"],
  });

export const Commit = z
  .string()
  .regex(COMMIT_PATTERN)
  .meta({ description: "A full commit id, never a branch or a tag." });

export const Duration = z
  .string()
  .regex(DURATION_PATTERN)
  .meta({
    description: "A number and a unit: ms, s, m, h or d.",
    examples: ["250ms", "10m", "1h"],
  });

/** What a pattern asks for, in words, by the pattern as zod reports it. */
export const PATTERN_TEXT: ReadonlyMap<string, string> = new Map(
  (
    [
      [NAME_PATTERN, "lower-case letters, digits and inner hyphens"],
      [CLONE_NAME_PATTERN, "factory_<mission>_<yyyymmdd>"],
      [VERSIONED_PATTERN, "<name>@<major.minor.patch>"],
      [VERSION_PATTERN, "<major.minor.patch>"],
      [FILE_PATH_PATTERN, "a relative path of a file, without `..`, `.git` and backslashes"],
      [FILE_OR_FOLDER_PATTERN, "a relative path, without `..`, `.git` and backslashes; a folder ends in `/`"],
      [COMMIT_PATTERN, "a full commit id of 40 or 64 hexadecimal digits"],
      [DURATION_PATTERN, "a number and a unit, e.g. 250ms, 30s, 10m, 1h"],
      [ENV_NAME_PATTERN, "a name of a variable: letters, digits and underscores, not starting with a digit"],
      [LABEL_KEY_PATTERN, "letters, digits and inner . _ / -"],
      [ACTION_PATTERN, "lower-case letters, digits and . _ : -, starting with a letter"],
      [HTTP_URL_PATTERN, "an http or https address"],
    ] as const
  ).map(([pattern, text]) => [pattern.toString(), text]),
);

/** Milliseconds of a text that `Duration` has accepted. */
export function acceptedMs(text: string): number {
  return durationMs(text, ["ms", "s", "m", "h", "d"]) ?? 0;
}

/** One pattern instead of a URL parser, so that zod and JSON Schema cannot disagree. */
export const HttpUrl = z
  .string()
  .max(TEXT_CHARS_MAX)
  .regex(HTTP_URL_PATTERN)
  .meta({ description: "An http or https address.", examples: ["https://simone.example/v1"] });

export const EnvName = z.string().max(NAME_CHARS_MAX).regex(ENV_NAME_PATTERN).meta({
  description: "Name of an environment variable.",
});

export const Command = z
  .tuple([z.string().min(1).max(ARGV_CHARS_MAX)], z.string().max(ARGV_CHARS_MAX))
  .refine((argv) => argv.length <= ARGV_ITEMS_MAX, { message: `at most ${ARGV_ITEMS_MAX} arguments` })
  .meta({
    description: "Program and arguments, one item each. Never a shell line.",
    examples: [["node", "checks/complete.js"]],
    minItems: 1,
    maxItems: ARGV_ITEMS_MAX,
  });

/** A kind of action such as `external_messaging`, or a tool such as `network`. */
export const ActionName = z.string().max(NAME_CHARS_MAX).regex(ACTION_PATTERN);

export const PauseGraceSeconds = z
  .number()
  .min(0)
  .max(PAUSE_GRACE_SECONDS_MAX)
  .describe(
    "What the agent may still do when it is paused: it is told, and frozen at the end of its turn or after this, whichever comes first. 0: at once.",
  );
export const HeartbeatIntervalSeconds = z.int().min(1).max(3_600);
export const ProgressIntervalSeconds = z.int().min(1).max(86_400);
export const ReportCadence = z
  .enum(REPORT_CADENCES)
  .describe(
    "How often progress is reported: with each ten percent, once per heartbeat interval, or at most once a second.",
  );
export const StorageScope = z
  .enum(["factory", "shared", "pushback"])
  .describe("Where outputs are kept. `factory` alone is available: the controller's data directory.");
export const Isolation = z.enum(["group", "pidns", "cgroup"]);
/** What an agent may take of its machine. */
export const Resources = z
  .strictObject({
    cpu_millis: z.int().min(10).max(1_024_000).optional().describe("Thousandths of a processor."),
    memory_mb: z.int().min(16).max(16_777_216).optional().describe("Of all its processes together."),
    pids: z.int().min(8).max(4_194_304).optional().describe("Processes and threads that live at once."),
    disk_mb: z
      .int()
      .min(1)
      .max(16_777_216)
      .optional()
      .describe("Of its workspace. Looked at by the shim: between two looks it may grow beyond."),
  })
  .describe("Held by control groups where they can be had; `factory doctor` says what holds here.");
export const AfterClosure = z.enum(["ask", "retire", "standby", "template"]);

/** A list without repetitions; JSON Schema and zod say the same. */
export function uniqueList<Item extends z.ZodType<string, string>>(item: Item, itemsMax = LIST_ITEMS_MAX) {
  return z
    .array(item)
    .max(itemsMax)
    .refine((list) => new Set(list).size === list.length, { message: "has an item twice" })
    .meta({ uniqueItems: true });
}

/** A map of strings with at most `sizeMax` keys; JSON Schema and zod say the same. */
export function boundedRecord<Key extends z.ZodType<string, string>, Value extends z.ZodType>(
  key: Key,
  value: Value,
  sizeMax: number,
) {
  return z
    .record(key, value)
    .refine((map) => Object.keys(map).length <= sizeMax, { message: `has more than ${sizeMax} keys` })
    .meta({ maxProperties: sizeMax });
}

const LabelKey = z.string().max(NAME_CHARS_MAX).regex(LABEL_KEY_PATTERN);

/** `metadata`, the same for every kind but for the pattern of the name. */
function metadata<NameSchema extends z.ZodType<string, string>>(name: NameSchema) {
  return z
    .strictObject({
      name,
      labels: boundedRecord(LabelKey, z.string().max(NAME_CHARS_MAX), LABELS_MAX)
        .optional()
        .describe("For people and for selection."),
      annotations: boundedRecord(LabelKey, z.string().max(TEXT_CHARS_MAX), LABELS_MAX)
        .optional()
        .describe("Notes that mean nothing to Factory."),
    })
    .describe("Who this document is. The name equals the file's name.");
}

/** The four fields that every document has. Unknown fields are refused everywhere. */
export function documentSchema<
  Kind extends string,
  NameSchema extends z.ZodType<string, string>,
  Spec extends z.ZodType,
>(shape: { kind: Kind; name: NameSchema; spec: Spec; description: string }) {
  return z
    .strictObject({
      apiVersion: z.literal(API_VERSION),
      kind: z.literal(shape.kind),
      metadata: metadata(shape.name),
      spec: shape.spec,
    })
    .meta({ title: shape.kind, description: shape.description });
}

/** In percent of a limit. Rising order is judged apart, so that people are told which one is out of place. */
export const BudgetThresholds = z
  .strictObject({
    notify_percent: z.number().positive().max(100).default(50),
    warn_percent: z.number().positive().max(100).default(80),
    pause_percent: z.number().positive().max(100).default(90),
  })
  .describe("When people are told, warned, and asked with the mission paused, in percent of a limit.");
