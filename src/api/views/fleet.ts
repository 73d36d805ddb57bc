import { z } from "zod";
import { CONTAINMENTS } from "../../core/model/instance.ts";
import type { Issue } from "../../core/model/issue.ts";
import type { FleetView } from "../../core/status/view.ts";
import { CloneShape } from "./clone.ts";
import { Instant, PhaseName, Span } from "./common.ts";
import { MissionShape } from "./mission.ts";
import { viewOf } from "./view.ts";

const IssueShape = viewOf<Issue>()(
  "Issue",
  z.object({
    severity: z.enum(["error", "warning"]),
    reason: z.string(),
    file: z.string(),
    line: z.int().exactOptional(),
    column: z.int().exactOptional(),
    field: z.string().exactOptional(),
    message: z.string(),
    found: z.string().exactOptional(),
    expected: z.string().exactOptional(),
  }),
);

const DrillResult = z.object({
  at: z.string(),
  target: z.string(),
  enter: z.enum(["term", "now"]),
  passed: z.boolean(),
  death_ms: Span.nullable(),
  containment: z.enum(CONTAINMENTS).nullable(),
  rung: z.string().nullable(),
  evidence: z.string(),
});

const Drills = z.object({
  plan: z.object({ schedule: z.string(), timezone: z.string(), next_at: Instant.nullable() }).nullable(),
  newest: z.array(DrillResult),
  overdue: z.array(z.object({ target: z.string(), due_at: Instant, reason: z.string() })),
});

const Callbacks = z.object({
  destinations: z.array(
    z.object({
      name: z.string(),
      type: z.enum(["webhook", "slack", "command", "file", "log", "issue"]),
      state: z.enum(["ok", "failing", "gone", "not_connected"]),
      failing_since: Instant.nullable(),
      waiting: z.int(),
      dead: z.int(),
      backlog: z.boolean(),
      last_problem: z.string().nullable(),
    }),
  ),
  waiting: z.int(),
  dead_letters: z.int(),
  backlog: z.boolean(),
});

const Forge = z.object({
  name: z.string(),
  condition: z.object({
    type: z.literal("ForgeReachable"),
    status: z.enum(["True", "False", "Unknown"]),
    reason: z.enum([
      "NotAskedYet",
      "Reached",
      "Unreachable",
      "CredentialRefused",
      "NotFound",
      "Limited",
      "Rejected",
    ]),
    message: z.string(),
    since: Instant,
  }),
  shown_as: z.enum(["check", "status"]).nullable(),
  remaining: z.int().nullable(),
  pulls: z.array(
    z.object({
      number: z.int(),
      head: z.string(),
      state: z.enum(["waiting", "reviewed", "ignored", "failed"]),
      message: z.string(),
      waits_for: z.array(z.int()),
    }),
  ),
  closures: z.array(
    z.object({
      clone: z.string(),
      mission: z.string(),
      run: z.int(),
      state: z.enum(["open", "waiting", "failed"]),
      message: z.string(),
      url: z.string().nullable(),
    }),
  ),
  complete: z.boolean(),
});

export const FleetShape = viewOf<FleetView>()(
  "FleetView",
  z.object({
    installation: z.string(),
    mode: z.enum(["normal", "in_core_only"]),
    now: Instant,
    source: z.object({
      state: z.enum(["ok", "verified_empty", "error", "unknown"]),
      reason: z.string(),
      message: z.string(),
      revision: z.string().nullable(),
      observed_at: Instant.nullable(),
    }),
    missions: z.array(MissionShape),
    clones: z.array(CloneShape),
    issues: z.array(IssueShape),
    held: z.array(
      z.object({ subject: z.string(), step: z.string(), reason: z.string(), message: z.string() }),
    ),
    drills: Drills,
    callbacks: Callbacks,
    forge: Forge.nullable(),
    approvals: z.object({ asked: z.boolean(), message: z.string() }),
    counts: z.record(PhaseName, z.int()),
  }),
);
