import { z } from "zod";
import {
  ActionName,
  documentSchema,
  FilePath,
  HeartbeatIntervalSeconds,
  Name,
  ProgressIntervalSeconds,
  RUNTIME_MINUTES_MAX,
  TEXT_CHARS_MAX,
  uniqueList,
  VersionedName,
} from "./common.ts";

const PARALLEL_MAX = 10_000;
const RULES_MAX = 100;

const Switches = z.strictObject({
  enable: uniqueList(Name).default([]),
  disable: uniqueList(Name).default([]),
});

export const OverlaySpec = z
  .strictObject({
    base_profile: VersionedName.describe("The baseline that this extends."),
    agents: Switches.prefault({}).describe(
      "Agents: files `agents/<id>.md` beside this document, or of the baseline.",
    ),
    skills: Switches.prefault({}).describe(
      "Skills: folders `skills/<name>/` with a SKILL.md beside this document, or of the baseline.",
    ),
    prompt_overlays: z
      .strictObject({
        identity: FilePath.optional().describe("Markdown beside this document: who the clone is."),
        policy: uniqueList(FilePath).default([]).describe("Markdown beside this document: how it works."),
        remove_policies: uniqueList(Name)
          .default([])
          .describe("Optional policies of the baseline to leave out. A mandatory one cannot be removed."),
      })
      .prefault({}),
    limits: z
      .strictObject({
        max_runtime_minutes: z.number().positive().max(RUNTIME_MINUTES_MAX).optional(),
        max_parallel_missions: z.int().min(1).max(PARALLEL_MAX).optional(),
        approval_required: uniqueList(ActionName).default([]),
      })
      .prefault({})
      .describe("Tighter than the fleet's caps, never looser."),
    observability: z
      .strictObject({
        heartbeat_interval_seconds: HeartbeatIntervalSeconds.optional(),
        mission_progress_interval_seconds: ProgressIntervalSeconds.optional(),
      })
      .prefault({}),
    safety: z
      .strictObject({
        rules: uniqueList(z.string().min(1).max(TEXT_CHARS_MAX), RULES_MAX).default([]),
      })
      .prefault({})
      .describe("Rules that the agent is told, in its AGENTS.md."),
  })
  .describe("Overlay contract v1.");
export type OverlaySpec = z.infer<typeof OverlaySpec>;

export const OverlayDocument = documentSchema({
  kind: "Overlay",
  name: Name,
  spec: OverlaySpec,
  description: "A partial change of a baseline: agents, skills, prompt policy, limits.",
});
export type OverlayDocument = z.infer<typeof OverlayDocument>;
