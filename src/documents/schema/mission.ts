import { z } from "zod";
import {
  ActionName,
  BudgetThresholds,
  CHECK_TIMEOUT_SECONDS_MAX,
  CloneName,
  COST_USD_MAX,
  Command,
  documentSchema,
  FileOrFolderPath,
  FilePath,
  HeartbeatIntervalSeconds,
  LIST_ITEMS_MAX,
  LLM_CALLS_MAX,
  Name,
  OBJECTIVE_CHARS_MAX,
  PauseGraceSeconds,
  ProgressIntervalSeconds,
  ReportCadence,
  RUN_MAX,
  RUNTIME_MINUTES_MAX,
  StorageScope,
  TEXT_CHARS_MAX,
  uniqueList,
} from "./common.ts";

/** More in a row would be patience without an end. */
const BLOCKED_ESCALATE_AFTER_MAX = 20;

const Timestamp = z.iso.datetime({ offset: true }).meta({
  description: "RFC 3339 with seconds and an offset.",
  examples: ["2026-11-23T18:00:00Z"],
});

const Criterion = z
  .strictObject({
    id: Name.describe("Unique in the mission."),
    text: z.string().min(1).max(TEXT_CHARS_MAX).describe("What is true when this is met."),
    check: z
      .strictObject({
        run: Command,
        timeout_seconds: z.int().min(1).max(CHECK_TIMEOUT_SECONDS_MAX).default(120),
        network: z
          .boolean()
          .default(false)
          .describe("The machine's network is open to it, and with it what listens on this machine."),
        writes: z
          .boolean()
          .default(false)
          .describe(
            "It works in a copy of the checkout that it may write to; without it the checkout is read-only.",
          ),
      })
      .optional()
      .describe("Judged by running this in a clean checkout, outside of the clone. Exit 0 means met."),
    review: z.literal("human").optional().describe("Judged by a person."),
  })
  .refine((criterion) => (criterion.check === undefined) !== (criterion.review === undefined), {
    message: "needs either `check` or `review: human`",
  })
  .meta({ oneOf: [{ required: ["check"] }, { required: ["review"] }] });

const Constraints = z.strictObject({
  allowed_tools: uniqueList(ActionName)
    .default([])
    .describe("Told to the agent. Nothing keeps it to them: `NotEnforced`."),
  forbidden_tools: uniqueList(ActionName)
    .default([])
    .describe("Told to the agent. Nothing keeps it from them: `NotEnforced`."),
  approval_required: uniqueList(ActionName).default([]).describe("Actions that wait for a person."),
});

const Budget = z.strictObject({
  max_runtime_minutes: z
    .number()
    .positive()
    .max(RUNTIME_MINUTES_MAX)
    .describe("Time with a running, unpaused instance."),
  max_llm_calls: z.int().min(0).max(LLM_CALLS_MAX).optional(),
  max_cost_usd: z.number().min(0).max(COST_USD_MAX).optional(),
  thresholds: BudgetThresholds.optional(),
  accept_unmetered: z
    .boolean()
    .default(false)
    .describe("Consents to limits that cannot be measured, where the clone's agent says `usage: none`."),
});

// One object instead of a union: people get told about the field that is wrong, not about two shapes.
const AutonomyWindow = z
  .strictObject({
    start_at: Timestamp.optional(),
    end_at: Timestamp.optional(),
    recurring: z
      .strictObject({
        cron: z
          .string()
          .min(9)
          .max(100)
          .describe("Five fields: minute hour day month weekday. The window opens here."),
        duration_minutes: z.int().min(1).max(RUNTIME_MINUTES_MAX),
        timezone: z.string().min(1).max(64).default("UTC").describe("IANA name such as Europe/Berlin."),
      })
      .optional(),
  })
  .refine(
    (window) =>
      window.recurring === undefined || (window.start_at === undefined && window.end_at === undefined),
    {
      message: "has either `recurring` or `start_at` and `end_at`",
    },
  )
  .meta({ not: { anyOf: [{ required: ["recurring", "start_at"] }, { required: ["recurring", "end_at"] }] } });

const ArtifactPolicy = z.strictObject({
  required_outputs: z
    .array(
      z.strictObject({
        path: FilePath.describe("Inside of the clone's workspace."),
        schema: FilePath.optional().describe("JSON Schema in this repository that the output must satisfy."),
        replaces: z
          .boolean()
          .default(false)
          .describe(
            "For the checks it may take the place of a file of this repository, or lie where they load code from: the clone then decides a part of what judges it.",
          ),
      }),
    )
    .max(LIST_ITEMS_MAX)
    .default([]),
  storage_scope: StorageScope.optional().meta({ default: "factory" }),
});

export const MissionSpec = z
  .strictObject({
    mission_type: z.enum(["coding", "research", "automation", "custom"]),
    objective: z
      .string()
      .min(1)
      .max(OBJECTIVE_CHARS_MAX)
      .describe("What the clone is to achieve, in words it can act on."),
    clone: CloneName.describe("The clone that does it: clones/<name>.yaml"),
    run: z.int().min(1).max(RUN_MAX).default(1).describe("Raise it to dispatch the same contract again."),
    state: z.enum(["active", "paused", "cancelled"]).default("active").describe("What people want."),
    success_criteria: z.array(Criterion).min(1).max(LIST_ITEMS_MAX),
    constraints: Constraints.prefault({}),
    inputs: z
      .array(z.strictObject({ path: FileOrFolderPath }))
      .max(LIST_ITEMS_MAX)
      .default([])
      .describe("Files of this repository, or folders ending in `/`, that the clone finds below `inputs/`."),
    budget: Budget,
    autonomy_window: AutonomyWindow.optional().describe("When it may run. Absent: always."),
    heartbeat_interval_seconds: HeartbeatIntervalSeconds.optional().meta({
      description: "Absent: what the overlays, then the fleet say.",
      default: 30,
    }),
    pause_grace_seconds: PauseGraceSeconds.optional().describe("Absent: what its clone says."),
    report_cadence: ReportCadence.optional().meta({ default: "hybrid" }),
    mission_progress_interval_seconds: ProgressIntervalSeconds.optional().describe(
      "An agent that gets nowhere for longer is nudged once, then held. Absent: what the overlays say; else progress is not watched.",
    ),
    blocked: z
      .strictObject({
        escalate_after: z.int().min(1).max(BLOCKED_ESCALATE_AFTER_MAX).optional().meta({ default: 3 }),
        window_minutes: z.int().min(1).max(RUNTIME_MINUTES_MAX).optional().meta({ default: 1_440 }),
      })
      .prefault({})
      .describe("How many reports of one blocker, within which time, ask a person."),
    artifact_policy: ArtifactPolicy.prefault({}),
    kill_switch: z
      .strictObject({ engaged: z.boolean().default(false) })
      .prefault({})
      .describe("`engaged: true` ends the mission at once, whatever else is wrong."),
  })
  .describe("The mission contract and its limits.");
export type MissionSpec = z.infer<typeof MissionSpec>;

export const MissionDocument = documentSchema({
  kind: "Mission",
  name: Name,
  spec: MissionSpec,
  description: "A mission contract: what for, by which clone, judged how, within which window and budget.",
});
export type MissionDocument = z.infer<typeof MissionDocument>;
